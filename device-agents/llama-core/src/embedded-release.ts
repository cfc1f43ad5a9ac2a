/**
 * The one native release this program was written against. Struct layouts, enum values and default
 * parameters of llama.cpp's C API change between releases without notice, so everything under
 * `native/` is only valid for this one; {@link NPM_PACKAGE_VERSION} pins the binaries that carry it.
 *
 * Sources: `include/llama.h`, `ggml/include/ggml.h` and `ggml/include/ggml-cpu.h` of llama.cpp tag v0.4.0.
 */
export const LLAMA_RELEASE = "v0.4.0";

/** What `llama_version()` of the release answers. */
export const LLAMA_LIBRARY_VERSION = "0.4.0";

/** What `ggml_version()` of the ggml inside the release answers. */
export const GGML_LIBRARY_VERSION = "0.23.0";

/** The version of every `@node-llama-cpp/<platform>` package that carries {@link LLAMA_RELEASE}. */
export const NPM_PACKAGE_VERSION = "3.21.1";

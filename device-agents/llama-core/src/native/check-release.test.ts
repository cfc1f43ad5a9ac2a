import { EngineFailure } from "../engine-errors.js";
import { findLibraries } from "../find-libraries.js";
import { checkDefaults, checkVersions } from "./check-release.js";
import { openLlamaLibrary } from "./llama-library.js";

test("the release this program is written for passes", () => {
  checkVersions({ llamaVersion: "0.4.0", ggmlVersion: "0.23.0" });
  checkVersions({ llamaVersion: "0.4.0-dev", ggmlVersion: "0.23.0" });
});

test.each([
  ["0.5.0", "0.23.0"],
  ["0.4.1-dev", "0.23.0"],
  ["0.4.0", "0.24.0"],
])("llama.cpp %s with ggml %s is refused", (llamaVersion, ggmlVersion) => {
  const check = (): void => {
    checkVersions({ llamaVersion, ggmlVersion });
  };
  expect(check).toThrow(EngineFailure);
  expect(check).toThrow(new RegExp(`${llamaVersion}.*written for llama\\.cpp v0\\.4\\.0`, "u"));
});

test("the installed library's default structs read right through our layouts, and a shifted one is refused", () => {
  const library = openLlamaLibrary(findLibraries());
  const model = library.modelDefaultParams();
  const context = library.contextDefaultParams();
  checkDefaults(model, context);
  expect(() => {
    checkDefaults({ ...model, split_mode: -1 }, context);
  }).toThrow(/llama_model_params\.split_mode of the native library is -1 instead of 1/u);
  expect(() => {
    checkDefaults(model, { ...context, type_k: 30 });
  }).toThrow(/llama_context_params\.type_k/u);
});

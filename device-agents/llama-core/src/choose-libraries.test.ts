import { chooseLibraries, libraryFileNames } from "./choose-libraries.js";
import { EngineUnavailableError } from "./engine-errors.js";

const X64_VARIANTS = [
  ...["alderlake", "cannonlake", "cascadelake", "cooperlake", "haswell", "icelake", "ivybridge"],
  ...["piledriver", "sandybridge", "sapphirerapids", "skylakex", "sse42", "x64", "zen4"],
];

/** Folder listings of the packages at 3.21.1, as npm unpacks them. */
const LISTINGS = {
  "linux-x64": [
    "_nlcBuildMetadata.json",
    "libggml-base.so",
    ...X64_VARIANTS.map((variant) => `libggml-cpu-${variant}.so`),
    "libggml.v0.4.0.so",
    "libllama-common.so",
    "libllama.v0.4.0.so",
    "llama-addon.node",
  ],
  "linux-arm64": [
    "_nlcBuildMetadata.json",
    "libggml-base.so",
    "libggml-cpu-armv8.0_1.so",
    "libggml-cpu-armv8.2_1.so",
    "libggml-cpu-armv8.2_2.so",
    "libggml-cpu-armv8.2_3.so",
    "libggml-cpu-armv8.6_1.so",
    "libggml-cpu-armv8.6_2.so",
    "libggml-cpu-armv9.2_1.so",
    "libggml-cpu-armv9.2_2.so",
    "libggml.v0.4.0.so",
    "libllama-common.so",
    "libllama.v0.4.0.so",
    "llama-addon.node",
  ],
  "linux-armv7l": [
    "_nlcBuildMetadata.json",
    "libggml-base.so",
    "libggml-cpu.so",
    "libggml.v0.4.0.so",
    "libllama-common.so",
    "libllama.v0.4.0.so",
    "llama-addon.node",
  ],
  "mac-arm64-metal": [
    "_nlcBuildMetadata.json",
    "libggml-base.dylib",
    "libggml-blas.so",
    "libggml-cpu-apple_m1.so",
    "libggml-cpu-apple_m2_m3.so",
    "libggml-cpu-apple_m4.so",
    "libggml-metal.so",
    "libggml.metal.v0.4.0.dylib",
    "libllama-common.dylib",
    "libllama.metal.v0.4.0.dylib",
    "llama-addon.node",
  ],
  "mac-x64": [
    "_nlcBuildMetadata.json",
    "libggml-base.dylib",
    "libggml-blas.so",
    ...X64_VARIANTS.map((variant) => `libggml-cpu-${variant}.so`),
    "libggml.v0.4.0.dylib",
    "libllama-common.dylib",
    "libllama.v0.4.0.dylib",
    "llama-addon.node",
  ],
  "win-x64": [
    "_nlcBuildMetadata.json",
    "ggml-base.dll",
    ...X64_VARIANTS.map((variant) => `ggml-cpu-${variant}.dll`),
    "ggml.v0.4.0.dll",
    "llama-addon.lib",
    "llama-addon.node",
    "llama-common.dll",
    "llama.v0.4.0.dll",
  ],
  "win-arm64": [
    "_nlcBuildMetadata.json",
    "ggml-base.dll",
    "ggml-cpu.dll",
    "ggml.v0.4.0.dll",
    "llama-addon.lib",
    "llama-addon.node",
    "llama-common.dll",
    "llama.v0.4.0.dll",
  ],
};

test.each([
  ["linux-x64", "libggml-base.so", "libggml.v0.4.0.so", "libllama.v0.4.0.so", 14, ["cpu"]],
  ["linux-arm64", "libggml-base.so", "libggml.v0.4.0.so", "libllama.v0.4.0.so", 8, ["cpu"]],
  ["linux-armv7l", "libggml-base.so", "libggml.v0.4.0.so", "libllama.v0.4.0.so", 1, ["cpu"]],
  [
    "mac-arm64-metal",
    "libggml-base.dylib",
    "libggml.metal.v0.4.0.dylib",
    "libllama.metal.v0.4.0.dylib",
    5,
    ["cpu", "metal"],
  ],
  ["mac-x64", "libggml-base.dylib", "libggml.v0.4.0.dylib", "libllama.v0.4.0.dylib", 15, ["cpu"]],
  ["win-x64", "ggml-base.dll", "ggml.v0.4.0.dll", "llama.v0.4.0.dll", 14, ["cpu"]],
  ["win-arm64", "ggml-base.dll", "ggml.v0.4.0.dll", "llama.v0.4.0.dll", 1, ["cpu"]],
] as const)("%s", (platform, ggmlBase, ggml, llama, moduleCount, backends) => {
  const names = chooseLibraries(LISTINGS[platform]);
  expect(names).toMatchObject({ ggmlBase, ggml, llama, backends });
  expect(names.backendModules).toHaveLength(moduleCount);
  expect(names.llamaCommon).toMatch(/^(?:lib)?llama-common\./u);
});

test("a GPU package offers its backend after the CPU", () => {
  const listing = [...LISTINGS["linux-x64"], "libggml-vulkan.so"].map((name) =>
    name.replace(".v0.4.0", ".vulkan.v0.4.0"),
  );
  expect(chooseLibraries(listing)).toMatchObject({
    llama: "libllama.vulkan.v0.4.0.so",
    backends: ["cpu", "vulkan"],
  });
});

test("the digest covers shared libraries, not the addon, import libraries or metadata", () => {
  expect(libraryFileNames(LISTINGS["win-arm64"])).toEqual([
    "ggml-base.dll",
    "ggml-cpu.dll",
    "ggml.v0.4.0.dll",
    "llama-common.dll",
    "llama.v0.4.0.dll",
  ]);
});

test("another llama.cpp release is refused by name", () => {
  const listing = LISTINGS["linux-x64"].map((name) => name.replace("v0.4.0", "v0.5.0"));
  expect(() => chooseLibraries(listing)).toThrow(/carries llama\.cpp v0\.5\.0.*for v0\.4\.0/u);
});

test.each(["libggml-base.so", "libggml.v0.4.0.so", "libllama.v0.4.0.so", "libggml-cpu.so"])(
  "a package without %s is incomplete",
  (missing) => {
    const listing = LISTINGS["linux-armv7l"].filter((name) => name !== missing);
    expect(() => chooseLibraries(listing)).toThrow(EngineUnavailableError);
    expect(() => chooseLibraries(listing)).toThrow(/has no .* library.*npm install/u);
  },
);

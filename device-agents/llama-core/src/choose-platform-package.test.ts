import { choosePlatformPackage } from "./choose-platform-package.js";
import type { HostPlatform } from "./choose-platform-package.js";
import { EngineUnavailableError } from "./engine-errors.js";

const host = (platform: string, arch: string, isGlibc: boolean | null = null): HostPlatform => ({
  platform,
  arch,
  isGlibc,
});

test.each([
  ["linux", "x64", true, "@node-llama-cpp/linux-x64"],
  ["linux", "arm64", true, "@node-llama-cpp/linux-arm64"],
  ["linux", "arm", true, "@node-llama-cpp/linux-armv7l"],
  ["darwin", "arm64", null, "@node-llama-cpp/mac-arm64-metal"],
  ["darwin", "x64", null, "@node-llama-cpp/mac-x64"],
  ["win32", "x64", null, "@node-llama-cpp/win-x64"],
  ["win32", "arm64", null, "@node-llama-cpp/win-arm64"],
])("%s %s has a package", (platform, arch, isGlibc, expected) => {
  expect(choosePlatformPackage(host(platform, arch, isGlibc))).toBe(expected);
});

test("a platform without a package says what to do instead", () => {
  const refused = (): string => choosePlatformPackage(host("freebsd", "x64"));
  expect(refused).toThrow(EngineUnavailableError);
  expect(refused).toThrow(/no prebuilt llama\.cpp exists for freebsd-x64.*llama-bench/u);
});

test("a Linux without glibc is refused before a loader error can confuse anyone", () => {
  expect(() => choosePlatformPackage(host("linux", "x64", false))).toThrow(/needs glibc/u);
});

test("a GPU package is taken when asked for, and only on its own platform", () => {
  const vulkan = "@node-llama-cpp/linux-x64-vulkan";
  expect(choosePlatformPackage(host("linux", "x64", true), vulkan)).toBe(vulkan);
  expect(() => choosePlatformPackage(host("darwin", "arm64"), vulkan)).toThrow(
    /does not run on darwin-arm64; the packages that do are @node-llama-cpp\/mac-arm64-metal/u,
  );
});

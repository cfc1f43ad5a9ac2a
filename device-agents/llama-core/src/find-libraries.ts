import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { chooseLibraries } from "./choose-libraries.js";
import type { LibraryNames } from "./choose-libraries.js";
import { choosePlatformPackage, currentHost } from "./choose-platform-package.js";
import { NPM_PACKAGE_VERSION } from "./embedded-release.js";
import { EngineUnavailableError } from "./engine-errors.js";

/** The native libraries on this machine's disk; nothing of them is loaded yet. */
export interface InstalledLibraries {
  readonly packageName: string;
  readonly packageVersion: string;
  /** Absolute folder that holds every file named in {@link names}. */
  readonly directory: string;
  readonly names: LibraryNames;
  /** All file names in {@link directory}. */
  readonly fileNames: readonly string[];
}

/**
 * Finds the native package for this machine among the installed npm packages.
 *
 * @param wanted another package than the machine's default one, e.g. `@node-llama-cpp/linux-x64-vulkan`
 * @throws EngineUnavailableError with the reason and what to do
 */
export function findLibraries(wanted?: string): InstalledLibraries {
  const packageName = choosePlatformPackage(currentHost(), wanted);
  const root = packageRoot(packageName);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  if (version !== NPM_PACKAGE_VERSION) {
    throw new EngineUnavailableError(
      "wrong_package_version",
      `${packageName} is ${version}, and this program is written for ${NPM_PACKAGE_VERSION}. ` +
        `Run: npm install --no-save ${packageName}@${NPM_PACKAGE_VERSION}`,
    );
  }
  const bins = join(root, "bins");
  const variant = readdirSync(bins).sort()[0];
  if (variant === undefined) {
    throw new EngineUnavailableError("incomplete_package", `${bins} is empty. Run npm install.`);
  }
  const directory = join(bins, variant);
  const fileNames = readdirSync(directory);
  return {
    packageName,
    packageVersion: version,
    directory,
    names: chooseLibraries(fileNames),
    fileNames,
  };
}

function packageRoot(packageName: string): string {
  try {
    // The package exports only its entry, dist/index.js.
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch {
    throw new EngineUnavailableError(
      "package_not_installed",
      `${packageName} is not installed. Run: npm install --no-save ${packageName}@${NPM_PACKAGE_VERSION}`,
    );
  }
}

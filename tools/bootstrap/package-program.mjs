import { join } from "node:path";

import { ExpectedFailure, at, readJson } from "./checkout.mjs";

/** Path of the JavaScript program `name` of an installed package, to be run with this Node on every platform. */
export function packageProgram(packageName, name) {
  const folder = at("node_modules", packageName);
  const bin = readJson(join(folder, "package.json"))?.bin;
  const path = typeof bin === "string" ? bin : bin?.[name];
  if (!path) {
    throw new ExpectedFailure(
      `${packageName} is not installed; remove node_modules and try again.`,
    );
  }
  return join(folder, path);
}

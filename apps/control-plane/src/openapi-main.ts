// Writes apps/control-plane/openapi.json from the contracts; with --check only says whether it is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openApiText } from "./platform/http/openapi.js";

const path = fileURLToPath(new URL("../openapi.json", import.meta.url));
const text = openApiText();

function committed(): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (!process.argv.includes("--check")) {
  writeFileSync(path, text);
} else if (committed() !== text) {
  process.stderr.write(
    "apps/control-plane/openapi.json is not what the contracts say; run: npm run openapi\n",
  );
  process.exitCode = 1;
}

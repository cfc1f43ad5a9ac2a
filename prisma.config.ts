// Read by the prisma command line. It would download a native schema engine, even to generate or validate; the
// stand-in of tools/schema-engine.mjs does the same from what npm installed. A real engine is used when its path is
// given in PRISMA_SCHEMA_ENGINE_BINARY.
import { fileURLToPath } from "node:url";

import { defineConfig } from "prisma/config";

process.env["PRISMA_SCHEMA_ENGINE_BINARY"] ??= fileURLToPath(
  new URL("./tools/schema-engine.mjs", import.meta.url),
);
process.env["CHECKPOINT_DISABLE"] ??= "1";

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: {
    // Only commands that touch a database need one; the farm's own is given by `benchfarm up`.
    url: process.env["DATABASE_URL"] ?? "postgresql://app@localhost/benchfarm",
  },
});

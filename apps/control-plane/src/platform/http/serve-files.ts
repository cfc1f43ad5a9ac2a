import { createRequire } from "node:module";
import { dirname } from "node:path";
import fastifyStatic from "@fastify/static";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { Dashboard } from "./dashboard.js";

/** Files whose names carry a digest of their content never change. */
const HASHED = /[\\/]assets[\\/].+-[\w-]{8,}\.\w+$/;

/** Serves the dashboard's files, where there is a built one, and those of the API's documentation. */
export async function serveFiles(app: NestFastifyApplication): Promise<void> {
  const { folder } = app.get(Dashboard);
  if (folder !== null) {
    await app.register(fastifyStatic, {
      root: folder,
      cacheControl: false,
      setHeaders: (response, path) => {
        const value = HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
        void response.header("cache-control", value);
      },
    });
  }
  const require = createRequire(import.meta.url);
  await app.register(fastifyStatic, {
    root: dirname(require.resolve("swagger-ui-dist/package.json")),
    prefix: "/docs/assets/",
    decorateReply: false,
    allowedPath: (path) => /^\/?swagger-ui(-bundle)?\.(css|js)$/.test(path),
    maxAge: 3_600_000,
  });
}

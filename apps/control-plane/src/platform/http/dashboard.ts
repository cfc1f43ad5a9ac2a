import { existsSync } from "node:fs";
import { join } from "node:path";
import { Injectable } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Config } from "../config.js";

const OWN_PATHS = /^\/(v1|agent|docs|health|metrics|assets)(\/|$)/;

/** The built dashboard's page, which answers every address that only the dashboard knows. */
@Injectable()
export class Dashboard {
  readonly #folder: string | null;

  constructor(config: Config) {
    const folder = config.dashboardDir;
    this.#folder = folder !== null && existsSync(join(folder, "index.html")) ? folder : null;
  }

  /** The folder to serve files from, or null when there is no built dashboard. */
  get folder(): string | null {
    return this.#folder;
  }

  /** Whether an address without a file is a page of the dashboard. */
  answers(request: FastifyRequest): boolean {
    if (this.#folder === null || request.method !== "GET") return false;
    const path = request.url.split("?")[0] ?? "";
    return !OWN_PATHS.test(path) && (request.headers.accept ?? "").includes("text/html");
  }

  send(response: FastifyReply): void {
    void response.status(200).header("cache-control", "no-cache").sendFile("index.html");
  }
}

import { Controller, Get, Res } from "@nestjs/common";
import type { FastifyReply } from "fastify";
import { Config } from "../config.js";
import { Database } from "../database/database.js";
import { pendingMigrations } from "../database/migrate.js";
import { Metrics } from "../metrics.js";
import { TaskRunner } from "../queue/task-runner.js";
import { OpenPage } from "./call.js";

type Check = { ok: boolean; detail: string };

/** For whoever runs the farm: is it alive, can it work, what does it cost. */
@Controller()
export class OperationsController {
  readonly #config: Config;
  readonly #database: Database;
  readonly #runner: TaskRunner;
  readonly #metrics: Metrics;

  constructor(config: Config, database: Database, runner: TaskRunner, metrics: Metrics) {
    this.#config = config;
    this.#database = database;
    this.#runner = runner;
    this.#metrics = metrics;
  }

  /** The process answers. */
  @Get("/health/live")
  @OpenPage()
  live(): { status: string } {
    return { status: "ok" };
  }

  /** The process can do its work: 200, or 503 with what is missing. */
  @Get("/health/ready")
  @OpenPage()
  async ready(@Res() response: FastifyReply): Promise<void> {
    const checks: Record<string, Check> = { database: await this.#checkDatabase() };
    if (this.#config.role !== "api") {
      checks["queue"] = this.#runner.isOpen
        ? { ok: true, detail: "open" }
        : { ok: false, detail: "the task queue cannot be reached" };
    }
    const ok = Object.values(checks).every((check) => check.ok);
    await response
      .status(ok ? 200 : 503)
      .header("cache-control", "no-store")
      .send({ status: ok ? "ok" : "unavailable", checks });
  }

  @Get("/metrics")
  @OpenPage()
  async metrics(@Res() response: FastifyReply): Promise<void> {
    const text = await this.#metrics.registry.metrics();
    await response.header("content-type", this.#metrics.registry.contentType).send(text);
  }

  async #checkDatabase(): Promise<Check> {
    try {
      const pending = await pendingMigrations(
        async (sql) => (await this.#database.pool.query<{ name: string }>(sql)).rows,
      );
      return pending.length === 0
        ? { ok: true, detail: "migrated" }
        : { ok: false, detail: `migrations are missing: ${pending.join(", ")}` };
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
  }
}

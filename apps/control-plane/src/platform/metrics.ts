import { Injectable } from "@nestjs/common";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { z } from "zod";
import { Config } from "./config.js";
import { Database, Prisma } from "./database/database.js";
import { TaskQueue } from "./queue/task-queue.js";
import { TaskRunner } from "./queue/task-runner.js";

const Backlog = z.object({ rows: z.coerce.number(), lag_seconds: z.coerce.number() });

const BACKLOG = Prisma.sql`
  select count(*)::int as rows,
    coalesce(extract(epoch from clock_timestamp()
      - min(not_before) filter (where not_before <= clock_timestamp())), 0)::float8 as lag_seconds
  from outbox`;

/** The process's Prometheus metrics. What looks into the database or the queue is read when they are scraped, and left out when it fails. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<"method" | "route" | "status">;
  readonly #tasks: Counter<"task" | "outcome">;

  constructor(config: Config, database: Database, queue: TaskQueue, runner: TaskRunner) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ role: config.role });
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Histogram({
      name: "benchfarm_http_request_seconds",
      help: "Time from a request to the end of its reply, long polls included",
      labelNames: ["method", "route", "status"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.#tasks = new Counter({
      name: "benchfarm_tasks_total",
      help: "Background task messages handled",
      labelNames: ["task", "outcome"],
      registers,
    });
    runner.onHandled = (task, outcome) => this.#tasks.inc({ task, outcome });
    const lag = new Gauge({
      name: "benchfarm_outbox_lag_seconds",
      help: "How long the oldest outbox row that is due has waited",
      registers,
    });
    new Gauge({
      name: "benchfarm_outbox_rows",
      help: "Outbox rows not yet relayed",
      registers,
      async collect() {
        const [backlog] = await database.query(Backlog, BACKLOG).catch(() => []);
        if (backlog === undefined) return;
        this.set(backlog.rows);
        lag.set(backlog.lag_seconds);
      },
    });
    new Gauge({
      name: "benchfarm_queue_messages",
      help: "Messages in the task queue by state",
      labelNames: ["state"],
      registers,
      async collect() {
        if (!runner.isOpen) return;
        const counts = await queue.counts().catch(() => null);
        for (const [state, count] of Object.entries(counts ?? {})) this.set({ state }, count);
      },
    });
  }

  /** Notes a finished request under its route's template, so that ids make no series of their own. */
  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }
}

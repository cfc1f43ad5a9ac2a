import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  createClient,
  routes,
  WorkloadSpec,
  type Client,
  type CreateSweep,
  type Quant,
  type Run,
  type Sweep,
} from "@benchfarm/contracts";
import { loadConfig, provideRootKey, runMigrations } from "@benchfarm/control-plane";
import { createTestDatabase } from "@benchfarm/embedded-postgres";
import { makeFromRecipe, recipeOf } from "@benchfarm/gguf";

const PROGRAM = join(__dirname, "..", "apps", "cli", "bin", "benchfarm.mjs");
const DASHBOARD = join(__dirname, "..", "apps", "dashboard", "dist");

/** A process of the farm that a test may kill. */
export interface LiveProcess {
  child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
  /** SIGKILL, as a crash or a power cut would. */
  kill(): Promise<void>;
}

/** The farm as its users run it: built programs, real processes, a real database. */
export interface LiveFarm {
  url: string;
  client: Client;
  dataDir: string;
  controlPlane: LiveProcess;
  restartControlPlane(): Promise<void>;
  startAgent(options?: {
    folder?: string;
    code?: string;
    env?: Record<string, string>;
  }): Promise<LiveProcess>;
  newCode(): Promise<string>;
  stop(): Promise<void>;
}

const FAST_TIMERS = {
  BENCHFARM_POLL_WAIT_MS: "2000",
  BENCHFARM_OFFER_MS: "3000",
  BENCHFARM_HEARTBEAT_MS: "1000",
  BENCHFARM_LEASE_MS: "6000",
  BENCHFARM_REQUEUE_AFTER_LOSS_MS: "200",
  BENCHFARM_RECONCILE_MS: "400",
  // Tests run side by side: load is recorded, not waited for.
  BENCHFARM_MAX_BUSY: "off",
};

function start(args: string[], env: Record<string, string>): LiveProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  return {
    child,
    output: () => output,
    ended,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Polls `look` until it returns something other than null; fails with `what` and the farm's last words after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown = null;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== null) return found;
    } catch (error) {
      lastError = error;
    }
    await delay(100);
  }
  throw new Error(
    `waited ${timeoutMs} ms for ${what}${lastError === null ? "" : ` (${String(lastError)})`}`,
  );
}

/** Starts a control plane on a database of its own, with short timers. */
export async function startLiveFarm(): Promise<LiveFarm> {
  const server = process.env["BENCHFARM_TEST_DATABASE_URL"];
  if (server === undefined)
    throw new Error("run the tests with npm test: they need its PostgreSQL");
  const database = await createTestDatabase(server);
  await runMigrations(database.url);
  const dataDir = mkdtempSync(join(tmpdir(), "benchfarm-e2e-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...FAST_TIMERS,
    DATABASE_URL: database.url,
    BENCHFARM_PORT: String(port),
    BENCHFARM_DATA_DIR: dataDir,
    BENCHFARM_DASHBOARD_DIR: DASHBOARD,
    BENCHFARM_ANONYMOUS_READ_ORG: "local",
    BENCHFARM_LOG_LEVEL: "warn",
  };
  const apiKey = await provideRootKey(loadConfig(env), null);
  const client = createClient({ baseUrl: url, apiKey });
  const processes: LiveProcess[] = [];
  const startControlPlane = async () => {
    const controlPlane = start(["serve"], env);
    processes.push(controlPlane);
    await until(`the control plane to be ready:\n${controlPlane.output()}`, async () =>
      (await fetch(`${url}/health/ready`)).ok ? true : null,
    );
    return controlPlane;
  };
  const farm: LiveFarm = {
    url,
    client,
    dataDir,
    controlPlane: await startControlPlane(),
    async restartControlPlane() {
      farm.controlPlane = await startControlPlane();
    },
    async newCode() {
      return (await client.call(routes.createEnrolment, { body: {} })).code;
    },
    async startAgent(options = {}) {
      const agent = start(
        [
          "agent",
          "--url",
          url,
          "--code",
          options.code ?? (await farm.newCode()),
          "--artifact-source",
          join(dataDir, "artifacts"),
        ],
        { ...env, BENCHFARM_DATA_DIR: join(dataDir, options.folder ?? "device"), ...options.env },
      );
      processes.push(agent);
      return agent;
    },
    async stop() {
      for (const process of processes.reverse()) {
        if (process.child.exitCode === null && process.child.signalCode === null) {
          await process.kill();
        }
      }
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return farm;
}

/** Makes a small synthetic model, uploads it over REST and registers it. */
export async function addModel(
  farm: LiveFarm,
  quant: "Q8_0" | "Q4_0" | "F16" | "Q4_K_M",
  seed = 1,
): Promise<Quant> {
  const recipe = recipeOf("tiny-llama-test", quant, seed);
  const path = join(farm.dataDir, `tiny-${quant}-${seed}.gguf`);
  const made = await makeFromRecipe(recipe, path);
  const { readFileSync } = await import("node:fs");
  await farm.client.open(routes.uploadArtifact, {
    params: { sha256: made.sha256 },
    body: readFileSync(path),
  });
  return farm.client.call(routes.registerQuant, {
    body: { sha256: made.sha256, source: { ...recipe } },
  });
}

/** Creates a sweep of the tiny model over all devices. */
export async function createSweep(
  farm: LiveFarm,
  quantIds: string[],
  workloads: Partial<WorkloadSpec>[],
): Promise<Sweep> {
  const body: CreateSweep = {
    name: "e2e",
    devices: {},
    quants: { quantIds },
    engines: [{ engine: "llama-cpp", backend: "cpu" }],
    workloads: workloads.map((spec) =>
      WorkloadSpec.parse({ promptTokens: 0, generatedTokens: 0, ...spec }),
    ),
    band: "interactive",
    dryRun: false,
  };
  const created = await farm.client.call(routes.createSweep, { body });
  if (created.sweep === null) throw new Error("no sweep was created");
  return created.sweep;
}

/** The sweep's runs once all are done. */
export async function runsOf(farm: LiveFarm, sweep: Sweep, timeoutMs = 120_000): Promise<Run[]> {
  return until(
    `sweep ${sweep.id} to be done`,
    async () => {
      const now = await farm.client.call(routes.readSweep, { params: { id: sweep.id } });
      if (now.state !== "done") return null;
      return (await farm.client.call(routes.listRuns, { query: { sweep: sweep.id, limit: 500 } }))
        .items;
    },
    timeoutMs,
  );
}

/** Waits for an eligible device. */
export async function deviceOf(farm: LiveFarm, timeoutMs = 90_000) {
  return until(
    "a device to be eligible",
    async () => {
      const { items } = await farm.client.call(routes.listDevices, {});
      return items.find((device) => device.eligible) ?? null;
    },
    timeoutMs,
  );
}

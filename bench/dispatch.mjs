// How many full run cycles a second the farm does on this machine: poll, accept, heartbeat, result with samples, end, cell folded,
// through the real HTTP API, a real PostgreSQL and the real queue, with simulated agents.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SimulatedAgent } from "@benchfarm/agent-core/testing";
import { createClient, routes, WorkloadSpec } from "@benchfarm/contracts";
import { loadConfig, provideRootKey, runMigrations } from "@benchfarm/control-plane";
import { ensureDatabase, startEmbeddedPostgres } from "@benchfarm/embedded-postgres";
import { makeFromRecipe, recipeOf } from "@benchfarm/gguf";
import { quantile } from "@benchfarm/stats";

const PROGRAM = fileURLToPath(new URL("../apps/cli/bin/benchfarm.mjs", import.meta.url));

const HELP = `usage: npm run bench -- dispatch [--json] [options]

  --agents <n>      simulated agents, one device each (16)
  --queued <n>      runs queued at the start; more are added when they run low (2000)
  --seconds <n>     how long to measure, after 3 s of warm-up (20)
REDIS_URL runs the queue on Redis instead of PostgreSQL. BENCHFARM_PORT sets the port.
`;

const OPTIONS = {
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  agents: { type: "string", default: "16" },
  queued: { type: "string", default: "2000" },
  seconds: { type: "string", default: "20" },
};

const WARM_UP_MS = 3000;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function waitFor(what, look, timeoutMs = 60_000) {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const found = await look().catch(() => null);
    if (found) return found;
    await delay(100);
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}`);
}

async function startFarm(folder) {
  const artifactDir = join(folder, "artifacts");
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const port = Number(process.env.BENCHFARM_PORT ?? (await freePort()));
  const environment = {
    ...process.env,
    DATABASE_URL: await ensureDatabase(postgres.url, "benchfarm"),
    BENCHFARM_PORT: String(port),
    BENCHFARM_DATA_DIR: folder,
    BENCHFARM_ARTIFACT_DIR: artifactDir,
    BENCHFARM_LOG_LEVEL: "warn",
  };
  await runMigrations(environment.DATABASE_URL);
  const apiKey = await provideRootKey(loadConfig(environment), null);
  const child = spawn(process.execPath, [PROGRAM, "serve"], {
    env: environment,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitFor("the control plane", async () => (await fetch(`${url}/health/ready`)).ok);
  return {
    url,
    artifactDir,
    client: createClient({ baseUrl: url, apiKey }),
    async stop() {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
      await postgres.stop();
    },
  };
}

async function registerQuant(farm) {
  const recipe = recipeOf("tiny-llama-test", "Q8_0");
  mkdirSync(farm.artifactDir, { recursive: true });
  const partial = join(farm.artifactDir, "making");
  const { sha256 } = await makeFromRecipe(recipe, partial);
  mkdirSync(join(farm.artifactDir, sha256.slice(0, 2)), { recursive: true });
  renameSync(partial, join(farm.artifactDir, sha256.slice(0, 2), sha256));
  return farm.client.call(routes.registerQuant, { body: { sha256, source: { ...recipe } } });
}

/** Queues at least `wanted` runs as sweeps over every device: distinct workloads make distinct cells. */
async function queueRuns(farm, quantId, devices, wanted, generation) {
  const perSweep = Math.max(1, Math.min(100, Math.ceil(wanted / devices)));
  let queued = 0;
  for (let batch = 0; queued < wanted; batch += 1) {
    const workloads = Array.from({ length: perSweep }, (_, index) =>
      WorkloadSpec.parse({
        promptTokens: 0,
        generatedTokens: 1 + ((batch * perSweep + index) % 1000),
        warmupRepetitions: 0,
      }),
    );
    const created = await farm.client.call(routes.createSweep, {
      body: {
        name: `dispatch ${generation}.${batch}`,
        quants: { quantIds: [quantId] },
        engines: [{ engine: "fake", backend: "cpu" }],
        workloads,
        band: "backfill",
      },
    });
    if (created.runCount === 0)
      throw new Error(`no run was made: ${JSON.stringify(created.unserved[0])}`);
    queued += created.runCount;
  }
  return queued;
}

/** Runs the measurement; with `json` the last line printed is `{"cyclesPerSecond","claim":{"p50Ms","p95Ms","p99Ms"},…}`. */
export async function run({ json, args }) {
  const seconds = Number(args.seconds);
  const agentCount = Number(args.agents);
  const folder = mkdtempSync(join(tmpdir(), "benchfarm-dispatch-"));
  const say = (line) => process.stderr.write(`${line}\n`);
  say(`starting a farm in ${folder}`);
  const farm = await startFarm(folder);
  try {
    const quant = await registerQuant(farm);
    const agents = [];
    for (let index = 0; index < agentCount; index += 1) {
      const agent = new SimulatedAgent({ url: farm.url, name: `simulated ${index}` });
      await agent.enrol((await farm.client.call(routes.createEnrolment, { body: {} })).code);
      await agent.openSession();
      agents.push(agent);
    }
    say(`${agentCount} simulated agents; queueing ${args.queued} runs`);
    let left = await queueRuns(farm, quant.id, agentCount, Number(args.queued), 0);
    let generation = 1;
    let refill = null;
    let measuring = false;
    let stopping = false;
    const claims = [];
    const cycles = [];
    const errors = new Map();
    const work = async (agent) => {
      while (!stopping) {
        if (left < agentCount * 20 && refill === null) {
          const added = generation;
          generation += 1;
          refill = queueRuns(farm, quant.id, agentCount, 1000, added).then((count) => {
            left += count;
            refill = null;
          });
        }
        try {
          const times = await agent.runOnce(2000);
          if (times === null) continue;
          left -= 1;
          if (!measuring) continue;
          claims.push(times.claimMs);
          cycles.push(times.cycleMs);
        } catch (error) {
          errors.set(
            error.code ?? error.message,
            (errors.get(error.code ?? error.message) ?? 0) + 1,
          );
          await delay(50);
        }
      }
    };
    const workers = agents.map(work);
    await delay(WARM_UP_MS);
    measuring = true;
    const startMs = performance.now();
    const cpuStart = process.cpuUsage();
    await delay(seconds * 1000);
    measuring = false;
    const elapsedMs = performance.now() - startMs;
    const own = process.cpuUsage(cpuStart);
    stopping = true;
    await Promise.all(workers);
    await refill;
    // The cycle is whole when its cell is: the folds left behind are waited for and their time is told.
    const foldStart = performance.now();
    const done = await waitFor("the folds", () => foldedAll(farm), 120_000);
    const foldLagMs = performance.now() - foldStart;
    const round = (value) => Math.round(value * 10) / 10;
    const summary = {
      cyclesPerSecond: round((cycles.length * 1000) / elapsedMs),
      claim: {
        p50Ms: round(quantile(claims, 0.5)),
        p95Ms: round(quantile(claims, 0.95)),
        p99Ms: round(quantile(claims, 0.99)),
      },
      cycle: { p50Ms: round(quantile(cycles, 0.5)), p95Ms: round(quantile(cycles, 0.95)) },
      cycles: cycles.length,
      foldLagMs: Math.round(foldLagMs),
      cellsFolded: done,
      agents: agentCount,
      simulatorCpuShare: round((own.user + own.system) / 1000 / elapsedMs),
      queue: process.env.REDIS_URL ? "redis" : "postgresql",
      errors: Object.fromEntries(errors),
    };
    say(
      `${summary.cyclesPerSecond} cycles/s (${summary.cycles} in ${seconds} s, ${agentCount} agents); claim p50 ${summary.claim.p50Ms} ms, ` +
        `p95 ${summary.claim.p95Ms} ms, p99 ${summary.claim.p99Ms} ms; the last cells were folded ${summary.foldLagMs} ms after the end; ` +
        `the simulator itself took ${Math.round(summary.simulatorCpuShare * 100)} % of a core`,
    );
    if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    return summary;
  } finally {
    await farm.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The number of cells once every measured result has its cell; null before. */
async function foldedAll(farm) {
  const keys = new Set();
  const folded = new Set();
  for (let cursor; ;) {
    const page = await farm.client.call(routes.listResults, {
      query: { limit: 500, ...(cursor ? { cursor } : {}) },
    });
    for (const result of page.items)
      if (result.canonical && result.cellKey) keys.add(result.cellKey);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  for (let cursor; ;) {
    const page = await farm.client.call(routes.listCells, {
      query: { limit: 500, ...(cursor ? { cursor } : {}) },
    });
    for (const cell of page.items) folded.add(cell.key);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return [...keys].every((key) => folded.has(key)) ? folded.size : null;
}

const { values } = parseArgs({ args: process.argv.slice(2), options: OPTIONS });
if (values.help) {
  process.stdout.write(HELP);
} else {
  await run({ json: values.json, args: values });
}

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, routes, type Client, type Device } from "@benchfarm/contracts";
import { loadConfig, provideRootKey, runMigrations } from "@benchfarm/control-plane";
import {
  ensureDatabase,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "@benchfarm/embedded-postgres";
import type { CliConfig } from "../config.js";
import { readCredentials, writeCredentials } from "../credentials.js";
import { startFarmProcess, type FarmProcess } from "./child-process-host.js";
import { requireFreePort } from "./free-port.js";

/** A farm on this machine: a store, a control plane and one agent. */
export interface LocalFarm {
  url: string;
  client: Client;
  artifactDir: string;
  /** Resolves with a sentence when a part of the farm ended by itself. */
  broken: Promise<string>;
  /** Stops agent, control plane and store, in this order. */
  stop(): Promise<void>;
}

/** A part of the local farm that did not start; the message holds the end of its log. */
export class FarmStartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FarmStartError";
  }
}

const PROGRAM = fileURLToPath(new URL("../../bin/benchfarm.mjs", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../../dashboard/dist", import.meta.url));
const START_TIMEOUT_MS = 60_000;

/**
 * Starts the farm kept in `config.dataDir`, step by step; each step is told to `onStep`. What a killed run left is taken over. Throws
 * SettingError or FarmStartError with what to do.
 */
export async function startFarm(
  config: CliConfig,
  onStep: (step: string) => void,
): Promise<LocalFarm> {
  await requireFreePort(config.host, config.port);
  mkdirSync(config.dataDir, { recursive: true });
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    const databaseUrl = config.databaseUrl ?? (await startStore(config, onStep, stops));
    onStep("migrating the database");
    await runMigrations(databaseUrl);

    const host = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${config.port}`;
    const kept = readCredentials(config.dataDir);
    const artifactDir = join(config.dataDir, "artifacts");
    const environment = {
      ...config.environment,
      DATABASE_URL: databaseUrl,
      BENCHFARM_HOST: config.host,
      BENCHFARM_PORT: String(config.port),
      BENCHFARM_DATA_DIR: config.dataDir,
      BENCHFARM_ARTIFACT_DIR: artifactDir,
      BENCHFARM_DASHBOARD_DIR: config.environment["BENCHFARM_DASHBOARD_DIR"] ?? DASHBOARD,
      BENCHFARM_ROLE: "all",
      // This farm's own rows may be read without a key by whoever reaches its address.
      BENCHFARM_ANONYMOUS_READ_ORG: config.environment["BENCHFARM_ANONYMOUS_READ_ORG"] ?? "local",
    };
    const apiKey = await provideRootKey(loadConfig(environment), kept?.apiKey ?? null);
    writeCredentials(config.dataDir, { url, apiKey });

    onStep("starting the control plane");
    const controlPlane = startFarmProcess(
      [PROGRAM, "serve"],
      environment,
      join(config.dataDir, "logs", "control-plane.log"),
    );
    stops.push(() => controlPlane.stop());
    await waitUntilReady(url, controlPlane);

    const client = createClient({ baseUrl: url, apiKey });
    onStep("starting this machine's agent (it measures the memory bandwidth once)");
    const agent = await startLocalAgent(config, url, client, artifactDir);
    stops.push(() => agent.stop());
    return { url, client, artifactDir, broken: firstToEnd(controlPlane, agent), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startStore(
  config: CliConfig,
  onStep: (step: string) => void,
  stops: (() => Promise<unknown>)[],
): Promise<string> {
  onStep("starting PostgreSQL");
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({
    dataDir: join(config.dataDir, "postgres"),
    onProgress: onStep,
  });
  stops.push(() => postgres.stop());
  return ensureDatabase(postgres.url, "benchfarm");
}

async function waitUntilReady(url: string, controlPlane: FarmProcess): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let ended = false;
  void controlPlane.ended.then(() => (ended = true));
  while (performance.now() < deadline) {
    if (ended) {
      throw new FarmStartError(
        `The control plane ended at its start:\n${controlPlane.logTail(15)}`,
      );
    }
    const ready = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await delay(100);
  }
  throw new FarmStartError(
    `The control plane did not become ready within ${START_TIMEOUT_MS / 1000} s:\n${controlPlane.logTail(15)}`,
  );
}

async function startLocalAgent(
  config: CliConfig,
  url: string,
  client: Client,
  artifactDir: string,
): Promise<FarmProcess> {
  const { code } = await client.call(routes.createEnrolment, { body: { name: "this machine" } });
  return startFarmProcess(
    [PROGRAM, "agent", "--url", url, "--code", code, "--artifact-source", artifactDir],
    {
      ...config.environment,
      BENCHFARM_DATA_DIR: config.dataDir,
    },
    join(config.dataDir, "logs", "agent.log"),
  );
}

/** Whether a device measures, or will when it is done with what it does: a kept farm may still have runs of an earlier start. */
function isWorking(device: Device): boolean {
  const present: Device["availability"][] = ["ready", "leased", "cleaning", "cooling", "checking"];
  return (
    !device.simulated &&
    device.lifecycle === "active" &&
    device.quarantine === "none" &&
    present.includes(device.availability)
  );
}

/** Waits until this farm has a device that can measure. Throws FarmStartError with the agent's own words when it takes too long. */
export async function waitForDevice(
  farm: LocalFarm,
  dataDir: string,
  onWait: (reason: string) => void,
): Promise<Device> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { items } = await farm.client.call(routes.listDevices, { query: { limit: 200 } });
    const working = items.find(isWorking);
    if (working !== undefined) return working;
    onWait(items[0]?.ineligibleReason ?? "the agent is describing this machine");
    const broken = await Promise.race([farm.broken, delay(200, null)]);
    if (broken !== null) throw new FarmStartError(broken);
  }
  throw new FarmStartError(
    `No device became ready within ${START_TIMEOUT_MS / 1000} s. The agent's log: ${join(dataDir, "logs", "agent.log")}`,
  );
}

async function firstToEnd(controlPlane: FarmProcess, agent: FarmProcess): Promise<string> {
  return Promise.race([
    controlPlane.ended.then(() => `The control plane ended:\n${controlPlane.logTail(15)}`),
    agent.ended.then(() => `The agent ended:\n${agent.logTail(15)}`),
  ]);
}

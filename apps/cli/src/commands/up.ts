import type { Command } from "commander";
import { loadCliConfig, type CliConfig } from "../config.js";
import { startFarm, type LocalFarm } from "../farm/start-farm.js";
import { createScreen } from "../terminal/screen.js";

/** The settings of a local farm with the flags over the environment. */
export function farmConfig(flags: { port?: number; dataDir?: string }): CliConfig {
  const environment = { ...loadCliConfig().environment };
  if (flags.port !== undefined) environment["BENCHFARM_PORT"] = String(flags.port);
  if (flags.dataDir !== undefined) environment["BENCHFARM_DATA_DIR"] = flags.dataDir;
  return loadCliConfig(environment);
}

/** Keeps a farm running until Ctrl-C or until a part of it ends; resolves with the exit code. */
export async function serveUntilStopped(farm: LocalFarm): Promise<number> {
  const stopped = new Promise<null>((done) => {
    process.once("SIGINT", () => done(null));
    process.once("SIGTERM", () => done(null));
  });
  // While stopping, parts end because they were asked to: only the first word counts.
  const sentence = await Promise.race([stopped, farm.broken]);
  if (sentence !== null) process.stderr.write(`${sentence}\n`);
  process.stderr.write("stopping …\n");
  await farm.stop();
  return sentence === null ? 0 : 1;
}

/** `benchfarm up`: a farm on this machine. */
export function addUpCommand(program: Command): void {
  program
    .command("up")
    .description("run a farm on this machine: store, control plane, dashboard and one agent")
    .option("--port <number>", "port of the API and dashboard (BENCHFARM_PORT)", Number)
    .option("--data-dir <folder>", "where everything is kept (BENCHFARM_DATA_DIR)")
    .action(async (flags: { port?: number; dataDir?: string }) => {
      const config = farmConfig(flags);
      const screen = createScreen(process.stderr, process.stderr.isTTY);
      const farm = await startFarm(config, (step) => screen.progress([`… ${step}`], step));
      screen.clear();
      screen.line(`Dashboard   ${farm.url}`);
      screen.line(`API         ${farm.url}/docs`);
      screen.line(`Data        ${config.dataDir}`);
      screen.line("Ctrl-C stops it.");
      process.exitCode = await serveUntilStopped(farm);
    });
}

import { newId, routes, type Client, type Sweep } from "@benchfarm/contracts";
import type { Command } from "commander";
import { demoRecipes, demoWorkloads } from "../farm/demo-plan.js";
import { provideModel } from "../farm/provide-model.js";
import { startFarm, waitForDevice, type LocalFarm } from "../farm/start-farm.js";
import { followSweep } from "../terminal/follow-sweep.js";
import { formatBar } from "../terminal/format.js";
import { createScreen, type Screen } from "../terminal/screen.js";
import { printMatrix } from "./matrix.js";
import { farmConfig, serveUntilStopped } from "./up.js";

/** Makes the demo's models, where the farm lacks them; returns their quant ids. */
async function provideModels(farm: LocalFarm, screen: Screen): Promise<string[]> {
  const recipes = demoRecipes();
  const ids: string[] = [];
  for (const [index, recipe] of recipes.entries()) {
    const name = `${recipe.shape} ${recipe.quant}`;
    const quant = await provideModel(farm.client, recipe, farm.artifactDir, (fraction) =>
      screen.progress(
        [`${formatBar(fraction, 24)} making model ${index + 1}/${recipes.length}: ${name}`],
        `making model ${index + 1}/${recipes.length}: ${name}`,
      ),
    );
    ids.push(quant.id);
  }
  return ids;
}

/** Whether every run of a sweep ended as a valid measured cell. */
export async function isFullyMeasured(client: Client, sweep: Sweep): Promise<boolean> {
  if ((sweep.progress.outcomes.succeeded ?? 0) !== sweep.progress.total) return false;
  const { items } = await client.call(routes.listRuns, {
    query: { sweep: sweep.id, limit: 500 },
  });
  for (const run of items) {
    if (run.resultId === null) return false;
    const result = await client.call(routes.readResult, { params: { id: run.resultId } });
    if (result.status !== "measured" || result.validity !== "valid" || result.cellKey === null) {
      return false;
    }
    const cell = await client.call(routes.readCell, { params: { key: result.cellKey } });
    if (cell.status !== "measured") return false;
  }
  return items.length === sweep.progress.total;
}

/** Waits until the folds of a done sweep have arrived in its cells; false when they have not within `timeoutMs`. */
async function waitForCells(client: Client, sweep: Sweep, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const complete = await isFullyMeasured(client, sweep).catch(() => false);
    if (complete || performance.now() > deadline) return complete;
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** `benchfarm demo`: from nothing to this machine's row of the matrix. */
export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("measure this machine with two models and show the matrix")
    .option("--exit", "stop after the table; exit code 0 only if every run became a valid cell")
    .option("--port <number>", "port of the API and dashboard (BENCHFARM_PORT)", Number)
    .option("--data-dir <folder>", "where everything is kept (BENCHFARM_DATA_DIR)")
    .action(async (flags: { exit?: boolean; port?: number; dataDir?: string }) => {
      const config = farmConfig(flags);
      const screen = createScreen(process.stderr, process.stderr.isTTY);
      const farm = await startFarm(config, (step) => screen.progress([`… ${step}`], step));
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => void farm.stop().then(() => process.exit(130)));
      }
      let measured = false;
      try {
        screen.line(`Dashboard   ${farm.url}`);
        const device = await waitForDevice(farm, config.dataDir, (reason) =>
          screen.progress(
            [`… waiting for the agent: ${reason}`],
            `waiting for the agent: ${reason}`,
          ),
        );
        screen.line(`Device      ${device.skuName}`);
        const quantIds = await provideModels(farm, screen);
        screen.line(`Models      ${quantIds.length} synthetic quants of real shapes`);
        const created = await farm.client.call(routes.createSweep, {
          body: {
            id: newId("sweep"),
            name: "demo",
            devices: { deviceIds: [device.id] },
            quants: { quantIds },
            engines: [{ engine: "llama-cpp", backend: "cpu" }],
            workloads: demoWorkloads(),
          },
        });
        if (created.sweep === null) throw new Error("the sweep was not created");
        const sweep = await Promise.race([
          followSweep(farm.client, created.sweep.id, screen),
          farm.broken.then((sentence) => {
            throw new Error(sentence);
          }),
        ]);
        measured = await waitForCells(farm.client, sweep, 30_000);
        screen.clear();
        await printMatrix(farm.client, {});
        if (!measured) {
          process.stderr.write(
            `Not every run became a valid cell; see ${farm.url}/sweeps/${sweep.id}\n`,
          );
        }
      } catch (error) {
        await farm.stop();
        throw error;
      }
      if (flags.exit === true) {
        await farm.stop();
        process.exitCode = measured ? 0 : 1;
        return;
      }
      process.removeAllListeners("SIGINT");
      process.removeAllListeners("SIGTERM");
      process.stderr.write(
        `\nThe dashboard is at ${farm.url} until Ctrl-C. Data: ${config.dataDir}\n`,
      );
      process.exitCode = await serveUntilStopped(farm);
    });
}

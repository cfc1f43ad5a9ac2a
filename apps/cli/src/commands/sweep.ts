import {
  Backend,
  newId,
  routes,
  WorkloadSpec,
  type Band,
  type Client,
  type CreateSweep,
} from "@benchfarm/contracts";
import { InvalidArgumentError, type Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { followSweep } from "../terminal/follow-sweep.js";
import { createScreen } from "../terminal/screen.js";
import { list, withConnection, wholeNumber } from "./flags.js";
import { printMatrix } from "./matrix.js";

interface CreateFlags extends ConnectionFlags {
  name: string;
  device?: string[];
  sku?: string[];
  tag?: string[];
  model?: string[];
  quant?: string[];
  backend: string[];
  engine: string;
  workload: string[];
  repetitions: number;
  band: Band;
  dryRun?: boolean;
  follow?: boolean;
}

/** A workload from llama-bench's notation: `pp512`, `tg128`, `pp512+tg128`, `tg128@d4096`. */
export function parseWorkload(text: string, repetitions: number): WorkloadSpec {
  const match = /^(?:pp(\d+))?\+?(?:tg(\d+))?(?:@d(\d+))?$/.exec(text);
  const promptTokens = Number(match?.[1] ?? 0);
  const generatedTokens = Number(match?.[2] ?? 0);
  if (match === null || promptTokens + generatedTokens === 0) {
    throw new InvalidArgumentError(
      `'${text}' is no workload; write pp512, tg128, pp512+tg128 or tg128@d4096.`,
    );
  }
  return WorkloadSpec.parse({
    promptTokens,
    generatedTokens,
    depthTokens: Number(match[3] ?? 0),
    repetitions,
  });
}

async function createBody(client: Client, flags: CreateFlags): Promise<CreateSweep> {
  const models = flags.model === undefined ? undefined : await modelIds(client, flags.model);
  return {
    id: newId("sweep"),
    name: flags.name,
    devices: {
      ...(flags.device === undefined ? {} : { deviceIds: flags.device }),
      ...(flags.sku === undefined ? {} : { skuIds: flags.sku }),
      ...(flags.tag === undefined ? {} : { tags: flags.tag }),
    },
    quants: {
      ...(models === undefined ? {} : { modelIds: models }),
      ...(flags.quant === undefined ? {} : { names: flags.quant }),
    },
    engines: flags.backend.map((backend) => ({
      engine: flags.engine,
      backend: Backend.parse(backend),
    })),
    workloads: flags.workload.map((text) => parseWorkload(text, flags.repetitions)),
    band: flags.band,
    dryRun: flags.dryRun ?? false,
  };
}

/** The ids of models given by name or id. Throws when a name fits none. */
async function modelIds(client: Client, names: string[]): Promise<string[]> {
  const { items } = await client.call(routes.listModels, { query: { limit: 500 } });
  return names.flatMap((name) => {
    const wanted = name.toLowerCase();
    const found = items.filter(
      (model) => model.id === name || model.name.toLowerCase().includes(wanted),
    );
    if (found.length === 0) {
      throw new InvalidArgumentError(
        `no model is called '${name}'. There are: ${items.map((model) => model.name).join(", ") || "none; add one with benchfarm model add"}.`,
      );
    }
    return found.map((model) => model.id);
  });
}

/** `benchfarm sweep create|list|show|cancel`. */
export function addSweepCommand(program: Command): void {
  const sweep = program.command("sweep").description("ask for measurements and follow them");

  withConnection(sweep.command("create"))
    .description("measure devices x models x quants x workloads")
    .requiredOption("--name <text>", "what to call it")
    .option("--device <id>", "only these devices (repeatable)", list)
    .option("--sku <id>", "only these kinds of hardware (repeatable)", list)
    .option("--tag <tag>", "only devices with all of these tags", list)
    .option("--model <name>", "only models whose name contains this (repeatable)", list)
    .option("--quant <name>", "only these quants, such as Q4_0 (repeatable)", list)
    .option("--backend <name>", "backends to ask for", list, [])
    .option("--engine <name>", "the engine", "llama-cpp")
    .option("--workload <test>", "pp512, tg128, pp512+tg128, tg128@d4096 (repeatable)", list, [])
    .option("--repetitions <n>", "measured repetitions", wholeNumber(1), 5)
    .option("--band <band>", "interactive, ci, nightly or backfill", "interactive")
    .option("--dry-run", "count and explain, create nothing")
    .option("--follow", "show progress until it is done, then the matrix")
    .action(async (flags: CreateFlags) => {
      if (flags.backend.length === 0) flags.backend = ["cpu"];
      if (flags.workload.length === 0) flags.workload = ["pp512", "tg128"];
      const { client, url } = connect(loadCliConfig(), flags);
      const created = await client.call(routes.createSweep, {
        body: await createBody(client, flags),
      });
      for (const { combination, reason } of created.unserved) {
        process.stderr.write(`not served: ${combination}: ${reason}\n`);
      }
      if (created.sweep === null) {
        process.stdout.write(`${created.runCount} runs would be made.\n`);
        return;
      }
      process.stdout.write(
        `${created.sweep.id}  ${created.runCount} runs\n${url}/sweeps/${created.sweep.id}\n`,
      );
      if (flags.follow === true) {
        const screen = createScreen(process.stderr, process.stderr.isTTY);
        const ended = await followSweep(client, created.sweep.id, screen);
        await printMatrix(client, {});
        const succeeded = ended.progress.outcomes.succeeded ?? 0;
        process.exitCode = succeeded === ended.progress.total ? 0 : 1;
      }
    });

  withConnection(sweep.command("list"))
    .description("sweeps, newest first")
    .action(async (flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const { items } = await client.call(routes.listSweeps, {});
      for (const item of items) {
        process.stdout.write(
          `${item.id}  ${item.state.padEnd(9)} ${String(item.progress.done).padStart(6)}/${item.progress.total}  ${item.name}\n`,
        );
      }
    });

  withConnection(sweep.command("follow <id>"))
    .description("show a sweep's progress until it is done")
    .action(async (id: string, flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      await followSweep(client, id, createScreen(process.stderr, process.stderr.isTTY));
    });

  withConnection(sweep.command("cancel <id>"))
    .description("cancel what is left of a sweep")
    .action(async (id: string, flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const canceled = await client.call(routes.cancelSweep, { params: { id }, body: {} });
      process.stdout.write(`${canceled.id} ${canceled.state}\n`);
    });
}

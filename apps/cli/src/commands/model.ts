import { join } from "node:path";
import { rm } from "node:fs/promises";
import { routes, type Quant, type QuantSource } from "@benchfarm/contracts";
import {
  makeFromRecipe,
  readGgufHeader,
  recipeOf,
  SYNTHETIC_QUANTS,
  SYNTHETIC_SHAPES,
  type SyntheticQuant,
} from "@benchfarm/gguf";
import { InvalidArgumentError, type Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { downloadModel, hashFile, uploadModel } from "../farm/transfer-model.js";
import { formatBar, formatBytes } from "../terminal/format.js";
import { createScreen } from "../terminal/screen.js";
import { withConnection, wholeNumber } from "./flags.js";

interface RegisterFlags extends ConnectionFlags {
  family?: string;
  modelName?: string;
  quantName?: string;
}

function describeQuant(quant: Quant): string {
  return (
    `${quant.id}  ${quant.modelName} ${quant.name}  ${formatBytes(quant.sizeBytes)}, ` +
    `${quant.bitsPerWeight.toFixed(2)} bits per weight, ${quant.weights} weights\n  sha256 ${quant.sha256}`
  );
}

/** Uploads a local file unless the farm has it, and registers it. */
async function register(path: string, source: QuantSource, flags: RegisterFlags): Promise<Quant> {
  const { client } = connect(loadCliConfig(), flags);
  const screen = createScreen(process.stderr, process.stderr.isTTY);
  const show = (doing: string) => (done: number, total: number) =>
    screen.progress(
      [
        `${formatBar(done / Math.max(1, total), 24)} ${doing} ${formatBytes(done)} of ${formatBytes(total)}`,
      ],
      doing,
    );
  const sha256 = await hashFile(path, show("reading"));
  await uploadModel(client, path, sha256, show("uploading"));
  screen.clear();
  return client.call(routes.registerQuant, {
    body: {
      sha256,
      source,
      ...(flags.family === undefined ? {} : { family: flags.family }),
      ...(flags.modelName === undefined ? {} : { modelName: flags.modelName }),
      ...(flags.quantName === undefined ? {} : { quantName: flags.quantName }),
    },
  });
}

function requireSyntheticQuant(text: string): SyntheticQuant {
  if (!(text in SYNTHETIC_QUANTS)) {
    throw new InvalidArgumentError(
      `'${text}' cannot be made; there are ${Object.keys(SYNTHETIC_QUANTS).join(", ")}.`,
    );
  }
  return text as SyntheticQuant;
}

/** `benchfarm model add|make|list|shapes`. */
export function addModelCommand(program: Command): void {
  const model = program.command("model").description("the models of the farm");

  withConnection(model.command("add <file-or-url>"))
    .description("register a GGUF file by its digest")
    .option("--family <text>", "the model's family")
    .option("--model-name <text>", "its name, where the file does not tell")
    .option("--quant-name <text>", "the quantisation's name, where the file does not tell")
    .action(async (place: string, flags: RegisterFlags) => {
      const config = loadCliConfig();
      connect(config, flags);
      if (!/^https?:\/\//.test(place)) {
        await readGgufHeader(place);
        const fileName = place.split(/[\\/]/).at(-1) ?? place;
        const quant = await register(place, { kind: "file", fileName }, flags);
        process.stdout.write(`${describeQuant(quant)}\n`);
        return;
      }
      const screen = createScreen(process.stderr, process.stderr.isTTY);
      const path = await downloadModel(place, join(config.dataDir, "downloads"), (done, total) =>
        screen.progress(
          [`downloading ${formatBytes(done)}${total === null ? "" : ` of ${formatBytes(total)}`}`],
          "downloading",
        ),
      );
      screen.clear();
      try {
        await readGgufHeader(path);
        const quant = await register(path, { kind: "url", url: place }, flags);
        process.stdout.write(`${describeQuant(quant)}\n`);
      } finally {
        await rm(path, { force: true });
      }
    });

  withConnection(model.command("make <shape> <quant>"))
    .description(
      "write a synthetic model: a real shape with random weights, the same bytes everywhere",
    )
    .option("--seed <number>", "which random weights", wholeNumber(0), 1)
    .option("--output <file>", "where to write it; the default is SHAPE.QUANT.gguf here")
    .option("--register", "register it with the farm as well")
    .action(
      async (
        shape: string,
        quantText: string,
        flags: RegisterFlags & { seed: number; output?: string; register?: boolean },
      ) => {
        if (!SYNTHETIC_SHAPES.some((known) => known.id === shape)) {
          throw new InvalidArgumentError(
            `'${shape}' is no known shape; there are ${SYNTHETIC_SHAPES.map((known) => known.id).join(", ")}.`,
          );
        }
        const recipe = recipeOf(shape, requireSyntheticQuant(quantText), flags.seed);
        const path = flags.output ?? `${shape}.${quantText}.gguf`;
        const screen = createScreen(process.stderr, process.stderr.isTTY);
        const made = await makeFromRecipe(recipe, path, ({ writtenBytes, totalBytes }) =>
          screen.progress(
            [
              `${formatBar(writtenBytes / totalBytes, 24)} ${formatBytes(writtenBytes)} of ${formatBytes(totalBytes)}`,
            ],
            `making ${path}`,
          ),
        );
        screen.clear();
        process.stdout.write(`${path}\n  sha256 ${made.sha256}\n`);
        if (flags.register === true) {
          const quant = await register(path, { ...recipe }, flags);
          process.stdout.write(`${describeQuant(quant)}\n`);
        }
      },
    );

  withConnection(model.command("list"))
    .description("registered quants")
    .action(async (flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const { items } = await client.call(routes.listQuants, { query: { limit: 500 } });
      for (const quant of items) process.stdout.write(`${describeQuant(quant)}\n`);
      if (items.length === 0) {
        process.stderr.write(
          "No models yet. Add one: benchfarm model add FILE, or make one: benchfarm model make\n",
        );
      }
    });

  model
    .command("shapes")
    .description("the shapes that synthetic models can have")
    .action(() => {
      for (const shape of SYNTHETIC_SHAPES) process.stdout.write(`${shape.id}\n`);
      process.stdout.write(`quants: ${Object.keys(SYNTHETIC_QUANTS).join(", ")}\n`);
    });
}

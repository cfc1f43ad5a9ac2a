import { METRICS, MetricId, routes, type Client } from "@benchfarm/contracts";
import { InvalidArgumentError, type Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { renderMatrixTable } from "../terminal/matrix-table.js";
import { list, withConnection } from "./flags.js";

interface MatrixFlags extends ConnectionFlags {
  metric?: string[];
  rows?: string;
  columns?: string;
  sku?: string;
  model?: string;
  quant?: string;
  engine?: string;
  backend?: string;
  workload?: string;
  weights?: "released" | "synthetic";
  simulated?: boolean;
  format?: "table" | "json" | "csv" | "markdown";
}

const MEDIA_TYPES = {
  json: "application/json",
  csv: "text/csv",
  markdown: "text/markdown",
} as const;

function query(flags: MatrixFlags, metric: MetricId) {
  const { rows, columns, sku, model, quant, engine, backend, workload, weights } = flags;
  return {
    metric,
    ...Object.fromEntries(
      Object.entries({
        rows,
        columns,
        sku,
        model,
        quant,
        engine,
        backend,
        workload,
        weights,
      }).filter(([, value]) => value !== undefined),
    ),
    ...(flags.simulated === true ? { simulated: "true" } : {}),
  };
}

/** Prints the matrix of a farm to standard output, as a table that fits the terminal unless another format is asked for. */
export async function printMatrix(client: Client, flags: MatrixFlags): Promise<void> {
  const metrics = (flags.metric ?? ["prefillTokensPerSecond", "decodeTokensPerSecond"]).map(
    (text) => {
      const parsed = MetricId.safeParse(text);
      if (!parsed.success) {
        throw new InvalidArgumentError(
          `'${text}' is no metric. There are: ${Object.keys(METRICS).join(", ")}.`,
        );
      }
      return parsed.data;
    },
  );
  const format = flags.format ?? "table";
  if (format === "table") {
    const matrices = [];
    for (const metric of metrics) {
      matrices.push(await client.call(routes.readMatrix, { query: query(flags, metric) }));
    }
    const width = process.stdout.columns ?? loadCliConfig().columns ?? 100;
    process.stdout.write(`${renderMatrixTable(matrices, width)}\n`);
    return;
  }
  for (const metric of metrics) {
    const response = await client.open(routes.readMatrix, {
      query: query(flags, metric),
      headers: { accept: MEDIA_TYPES[format] },
    });
    process.stdout.write(`${(await response.text()).trimEnd()}\n`);
  }
}

/** `benchfarm matrix`. */
export function addMatrixCommand(program: Command): void {
  withConnection(program.command("matrix"))
    .description("hardware x model x quantisation, as measured")
    .option("--metric <id>", `one or more of ${Object.keys(METRICS).join(", ")}`, list)
    .option("--rows <dimensions>", "comma-separated: sku, model, quant, engine, backend, workload")
    .option("--columns <dimensions>", "likewise")
    .option("--sku <ids>", "only these")
    .option("--model <ids>", "only these")
    .option("--quant <ids>", "only these")
    .option("--engine <ids>", "only these")
    .option("--backend <names>", "only these")
    .option("--workload <ids>", "only these")
    .option("--weights <origin>", "released or synthetic")
    .option("--simulated", "show simulated devices too")
    .option("--format <format>", "table, json, csv or markdown", "table")
    .action(async (flags: MatrixFlags) => {
      await printMatrix(connect(loadCliConfig(), flags).client, flags);
    });
}

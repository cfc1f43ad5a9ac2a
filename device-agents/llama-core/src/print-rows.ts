import { meanAndDeviation, rowFields, tokensPerSecond, Verbatim } from "./bench-row.js";
import type { BenchMeasurement } from "./bench-row.js";
import type { BenchRequest, OutputFormat } from "./parse-flags.js";
import type { BenchTest } from "./plan-tests.js";

/** Writes rows one by one in one of llama-bench's formats. */
export interface RowPrinter {
  header(): string;
  row(measurement: BenchMeasurement): string;
  footer(): string;
}

/** A printer for a format; the request decides which columns a Markdown table has. */
export function rowPrinter(
  format: OutputFormat,
  request: BenchRequest,
  build: { readonly commit: string; readonly number: number },
): RowPrinter {
  if (format === "jsonl") return jsonLines();
  if (format === "json") return jsonArray();
  return markdownTable(request, build);
}

function jsonLines(): RowPrinter {
  return {
    header: () => "",
    row: (measurement) =>
      `{${rowFields(measurement)
        .map(([name, value]) => `"${name}": ${jsonText(value)}`)
        .join(", ")}}\n`,
    footer: () => "",
  };
}

function jsonArray(): RowPrinter {
  let first = true;
  return {
    header: () => "[\n",
    row: (measurement) => {
      const lead = first ? "" : ",\n";
      first = false;
      const fields = rowFields(measurement).map(
        ([name, value]) => `    "${name}": ${jsonText(value)}`,
      );
      return `${lead}  {\n${fields.join(",\n")}\n  }`;
    },
    footer: () => "\n]\n",
  };
}

function jsonText(value: unknown): string {
  if (value instanceof Verbatim) return value.text;
  if (Array.isArray(value))
    return value.length === 0 ? "[]" : `[ ${value.map(jsonText).join(", ")} ]`;
  return JSON.stringify(value);
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly left?: boolean;
  readonly cell: (measurement: BenchMeasurement) => string;
}

function markdownTable(
  request: BenchRequest,
  build: { readonly commit: string; readonly number: number },
): RowPrinter {
  const columns = markdownColumns(request);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const pad = (column: Column, text: string): string =>
    column.left === true ? text.padEnd(column.width) : text.padStart(column.width);
  return {
    header: () =>
      line(columns.map((column) => pad(column, column.title))) +
      line(
        columns.map((column) => "-".repeat(column.width - 1) + (column.left === true ? "-" : ":")),
      ),
    row: (measurement) => line(columns.map((column) => pad(column, column.cell(measurement)))),
    footer: () => `\nbuild: ${build.commit} (${build.number})\n`,
  };
}

function markdownColumns(request: BenchRequest): Column[] {
  const varies = <T>(values: readonly T[], standard: T): boolean =>
    values.length > 1 || values[0] !== standard;
  const setting = (title: string, width: number, read: (test: BenchTest) => unknown): Column => ({
    title,
    width,
    cell: ({ test }) => String(read(test)),
  });
  const columns: Column[] = [
    { title: "model", width: 30, left: true, cell: ({ model }) => model.description },
    { title: "size", width: 10, cell: ({ model }) => sizeText(model.sizeBytes) },
    { title: "params", width: 10, cell: ({ model }) => countText(model.parameterCount) },
    { title: "backend", width: 10, left: true, cell: ({ engine }) => engine.backends },
    setting("ngl", 3, (test) => test.gpuLayers),
    setting("threads", 7, (test) => test.threads),
  ];
  if (varies(request.pollLevels, 50)) columns.push(setting("poll", 10, (test) => test.poll));
  if (varies(request.batchSizes, 2048)) {
    columns.push(setting("n_batch", 7, (test) => test.batchSize));
  }
  if (varies(request.ubatchSizes, 512)) {
    columns.push(setting("n_ubatch", 8, (test) => test.ubatchSize));
  }
  if (varies(request.cacheTypesK, "f16")) {
    columns.push(setting("type_k", 6, (test) => test.cacheTypeK));
  }
  if (varies(request.cacheTypesV, "f16")) {
    columns.push(setting("type_v", 6, (test) => test.cacheTypeV));
  }
  if (varies(request.flashAttention, -1)) {
    columns.push(setting("fa", 3, (test) => test.flashAttention));
  }
  columns.push(
    { title: "test", width: 15, cell: ({ test }) => testText(test) },
    {
      title: "t/s",
      width: 20,
      cell: (measurement) => {
        const { mean, deviation } = meanAndDeviation(tokensPerSecond(measurement));
        return `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
      },
    },
  );
  return columns;
}

function testText(test: BenchTest): string {
  const parts: string[] = [];
  if (test.promptTokens > 0) parts.push(`pp${test.promptTokens}`);
  if (test.generatedTokens > 0) parts.push(`tg${test.generatedTokens}`);
  return parts.join("+") + (test.depthTokens > 0 ? ` @ d${test.depthTokens}` : "");
}

function sizeText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib < 1 ? `${(bytes / 1024 ** 2).toFixed(2)} MiB` : `${gib.toFixed(2)} GiB`;
}

function countText(count: number): string {
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} M` : `${(count / 1e9).toFixed(2)} B`;
}

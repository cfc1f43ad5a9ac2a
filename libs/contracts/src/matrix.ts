import { z } from "zod";
import { Backend, WeightsOrigin } from "./catalogue.js";
import { Sha256 } from "./id.js";
import { MetricId } from "./metric.js";

/** What rows and columns of a matrix can be made of. */
export const Dimension = z
  .enum(["sku", "model", "quant", "engine", "backend", "workload"])
  .meta({ id: "Dimension" });
export type Dimension = z.infer<typeof Dimension>;

const dimensions = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(Dimension).min(1).max(4));
const list = z
  .string()
  .transform((text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .optional();

/** The query of a matrix. `rows` and `columns` are comma-separated dimensions, filters comma-separated ids or names. */
export const MatrixQuery = z
  .object({
    metric: MetricId.default("decodeTokensPerSecond"),
    rows: dimensions("model,quant"),
    columns: dimensions("sku,engine,backend,workload"),
    sku: list,
    model: list,
    quant: list,
    engine: list,
    backend: list,
    workload: list,
    weights: WeightsOrigin.optional(),
    /** Test doubles are left out unless asked for. */
    simulated: z.stringbool().default(false),
    /** Goes before the Accept header. CSV has one line per place, Markdown a table. */
    format: z.enum(["json", "csv", "markdown"]).optional(),
  })
  .meta({ id: "MatrixQuery" });
export type MatrixQuery = z.infer<typeof MatrixQuery>;

/** One row's or column's head: a value per dimension, in the order asked for. `labels` are for people. */
export const MatrixHead = z
  .object({
    key: z.string(),
    values: z.array(z.object({ dimension: Dimension, id: z.string(), label: z.string() })),
    label: z.string(),
  })
  .meta({ id: "MatrixHead" });
export type MatrixHead = z.infer<typeof MatrixHead>;

/**
 * One place of the matrix. `measured`: a number. `failed`: a reason instead. `several`: more than one comparison key falls
 * here and numbers are never averaged across keys; `detail` names the dimension to add. `pending`: runs are on their way. `empty`: nothing
 * was asked for. `not_applicable`: the metric does not exist for this workload.
 */
export const MatrixCell = z
  .object({
    status: z.enum(["measured", "failed", "held", "several", "pending", "empty", "not_applicable"]),
    value: z.number().nullable(),
    low: z.number().nullable(),
    high: z.number().nullable(),
    n: z.number().int(),
    resultCount: z.number().int(),
    cellKey: Sha256.nullable(),
    backend: Backend.nullable(),
    weights: WeightsOrigin.nullable(),
    simulated: z.boolean(),
    /** Why there is no number, or a caution on one; null otherwise. */
    detail: z.string().nullable(),
  })
  .meta({ id: "MatrixCell" });
export type MatrixCell = z.infer<typeof MatrixCell>;

export const Matrix = z
  .object({
    metric: z.object({
      id: MetricId,
      label: z.string(),
      unit: z.string(),
      better: z.enum(["higher", "lower"]),
      digits: z.number().int(),
    }),
    rowDimensions: z.array(Dimension),
    columnDimensions: z.array(Dimension),
    rows: z.array(MatrixHead),
    columns: z.array(MatrixHead),
    /** `cells[r][c]`. */
    cells: z.array(z.array(MatrixCell)),
    /** What each filter could be set to, over all cells of the org. */
    facets: z.record(Dimension, z.array(z.object({ id: z.string(), label: z.string() }))),
    /** Comparison fields that are the same in every cell shown, and those that vary. */
    comparison: z.object({ same: z.record(z.string(), z.string()), varies: z.array(z.string()) }),
    updatedAt: z.string().nullable(),
  })
  .meta({ id: "Matrix" });
export type Matrix = z.infer<typeof Matrix>;

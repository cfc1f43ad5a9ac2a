import type { QuantSource, RegisterQuant, WeightsOrigin } from "@benchfarm/contracts";
import { Problem } from "@benchfarm/contracts";
import {
  decodeBytesPerToken,
  kvBytesPerToken,
  recurrentStateBytes,
  SYNTHETIC_SHAPES,
  type GgufHeader,
} from "@benchfarm/gguf";

/** What the farm stores of a model file: the model it belongs to, and its own numbers, all from the header. */
export interface DescribedQuant {
  model: {
    family: string;
    name: string;
    revision: string;
    architecture: string;
    parameterCount: number;
    weights: WeightsOrigin;
  };
  quant: {
    name: string;
    parameterCount: number;
    bitsPerWeight: number;
    decodeBytesPerToken: number | null;
    kvBytesPerToken: number | null;
    contextLength: number | null;
    weights: WeightsOrigin;
    source: QuantSource;
    header: Record<string, string | number | boolean | null>;
  };
}

/**
 * Describes a file from its header, names given by the caller first. Weights that the header calls synthetic are synthetic whatever
 * the caller says. Throws `invalid_model_file` for a header that names no model, `invalid_request` for a name it needs and was not given.
 */
export function describeQuant(header: GgufHeader, given: RegisterQuant): DescribedQuant {
  const { architecture, bitsPerWeight, synthetic, split } = header;
  if (architecture === null) {
    throw invalid("its header has no general.architecture");
  }
  if (bitsPerWeight === null) throw invalid("it has no tensors");
  if (split !== null) {
    throw invalid(
      `it is part ${split.index + 1} of ${split.count}; merge the parts first (llama-gguf-split --merge)`,
    );
  }
  if (given.source.kind === "synthetic" && synthetic === null) {
    throw new Problem(
      "invalid_request",
      "the source says synthetic, but the file's header does not; give its file name or URL as source",
      [{ path: "body.source", message: "the file is not a synthetic one" }],
    );
  }
  const weights: WeightsOrigin = synthetic === null ? "released" : "synthetic";
  const shape = SYNTHETIC_SHAPES.find(({ id }) => id === synthetic?.shape);
  const name = given.modelName ?? shape?.name ?? header.name ?? nameFromSource(given.source);
  const quantName = given.quantName ?? synthetic?.quant ?? header.fileType;
  if (name === null) throw missing("modelName", "the header has no name");
  if (quantName === null) throw missing("quantName", "the header has no file type");
  return {
    model: {
      family: given.family ?? shape?.family ?? text(header, "general.basename") ?? architecture,
      name,
      revision: given.revision ?? text(header, "general.version") ?? "main",
      architecture,
      parameterCount: header.parameterCount,
      weights,
    },
    quant: {
      name: quantName,
      parameterCount: header.parameterCount,
      bitsPerWeight,
      decodeBytesPerToken: decodeBytesPerToken(header),
      kvBytesPerToken: kvBytesPerToken(header),
      contextLength: header.contextLength,
      weights,
      source: sourceOf(given.source, header),
      header: {
        version: header.version,
        architecture,
        name: header.name,
        fileType: header.fileType,
        tensorCount: header.tensors.length,
        tensorBytes: header.tensorBytes,
        blockCount: header.blockCount,
        embeddingLength: header.embeddingLength,
        headCount: header.headCount,
        headCountKv: header.headCountKv,
        vocabularySize: header.vocabularySize,
        tokenizerModel: header.tokenizer?.model ?? null,
        expertCount: header.expertCount,
        expertUsedCount: header.expertUsedCount,
        recurrentStateBytes: recurrentStateBytes(header),
      },
    },
  };
}

/** A synthetic file's recipe is in the file itself. */
function sourceOf(given: QuantSource, { synthetic }: GgufHeader): QuantSource {
  if (synthetic === null || given.kind === "url") return given;
  return { kind: "synthetic", ...synthetic };
}

function nameFromSource(source: QuantSource): string | null {
  if (source.kind === "synthetic") return source.shape;
  const path = source.kind === "file" ? source.fileName : new URL(source.url).pathname;
  const name =
    path
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.gguf$/i, "") ?? "";
  return name === "" ? null : name;
}

function text(header: GgufHeader, key: string): string | null {
  const value = header.metadata.get(key);
  return typeof value === "string" && value.length > 0 && value.length <= 100 ? value : null;
}

function invalid(what: string): Problem {
  return new Problem("invalid_model_file", `the file cannot be measured: ${what}`);
}

function missing(field: string, why: string): Problem {
  return new Problem("invalid_request", `give ${field}: ${why}`, [
    { path: `body.${field}`, message: "required for this file" },
  ]);
}

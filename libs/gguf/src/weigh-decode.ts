import type { GgufHeader } from "./read-header.js";
import type { GgufTensor } from "./read-tensors.js";

/**
 * Bytes of weights that generating one token reads: the `B` of the roofline `tokens/s <= bandwidth / B`.
 * All tensors count once, except that a token embedding which is not also the output projection counts one row, experts
 * count by their used share, and blocks that only predict further tokens (`nextn_predict_layers`) do not run.
 * Null for a file without tensors or for one part of a split model.
 */
export function decodeBytesPerToken(header: GgufHeader): number | null {
  if (header.tensors.length === 0 || header.split !== null) return null;
  const untied = header.tensors.some((tensor) => tensor.name === "output.weight");
  const { expertCount, expertUsedCount } = header;
  const expertShare =
    expertCount !== null && expertUsedCount !== null && expertCount > 0
      ? expertUsedCount / expertCount
      : 1;
  const executedBlocks = mainBlockCount(header);
  let bytes = 0;
  for (const tensor of header.tensors) {
    const block = blockOf(tensor);
    if (block !== null && executedBlocks !== null && block >= executedBlocks) continue;
    if (isRowLookup(tensor, untied)) bytes += tensor.sizeBytes / (tensor.shape[1] ?? 1);
    else if (tensor.name.includes("_exps.")) bytes += tensor.sizeBytes * expertShare;
    else bytes += tensor.sizeBytes;
  }
  return Math.round(bytes);
}

/** Bytes that one cached element takes: 2 for f16, 34/32 for q8_0, 18/32 for q4_0. */
export interface CacheElementBytes {
  readonly key: number;
  readonly value: number;
}

/**
 * Bytes that the key-value cache grows by per token of context, over all blocks that attend (blocks with only a recurrent
 * state keep none). Sliding windows are ignored: this is the growth before a window is full.
 * Null when the header does not say, or for compressed caches (multi-head latent attention).
 */
export function kvBytesPerToken(
  header: GgufHeader,
  element: CacheElementBytes = { key: 2, value: 2 },
): number | null {
  const { headCountKv, keyLength, valueLength } = header;
  const attending = attendingBlocks(header);
  if (headCountKv === null || keyLength === null || valueLength === null || attending === null) {
    return null;
  }
  return attending * headCountKv * (keyLength * element.key + valueLength * element.value);
}

/**
 * Bytes of recurrent state (f32) of one sequence, which every generated token reads and writes once: convolution tails and
 * state matrices of all recurrent blocks, sized as llama.cpp does (n_embd_r and n_embd_s of llama-hparams.cpp).
 * Zero for a model without such blocks, null when the header does not say.
 */
export function recurrentStateBytes(header: GgufHeader): number | null {
  const recurrent = countBlocks(header, (names) =>
    [...names].some((name) => name.startsWith("ssm_")),
  );
  if (recurrent === 0) return 0;
  const of = (key: string): number | null => {
    const value = header.metadata.get(`${header.architecture}.ssm.${key}`);
    return typeof value === "number" ? value : null;
  };
  const [kernel, inner, state] = [of("conv_kernel"), of("inner_size"), of("state_size")];
  if (kernel === null || inner === null || state === null) return null;
  const convolution = (kernel - 1) * (inner + 2 * (of("group_count") ?? 0) * state);
  return 4 * recurrent * (convolution + state * inner);
}

function isRowLookup(tensor: GgufTensor, untied: boolean): boolean {
  if (tensor.name === "token_embd.weight") return untied;
  return tensor.name === "per_layer_token_embd.weight" || tensor.name === "position_embd.weight";
}

function attendingBlocks(header: GgufHeader): number | null {
  const compressed = header.tensors.some((tensor) => tensor.name.includes("attn_kv_a"));
  if (compressed || header.tensors.length === 0 || header.split !== null) return null;
  return countBlocks(header, (names) => {
    const recurrent = [...names].some((name) => name.startsWith("ssm_"));
    return names.has("attn_k.weight") || (names.has("attn_qkv.weight") && !recurrent);
  });
}

function countBlocks(header: GgufHeader, test: (names: ReadonlySet<string>) => boolean): number {
  const blocks = new Map<number, Set<string>>();
  const limit = mainBlockCount(header) ?? Infinity;
  for (const tensor of header.tensors) {
    const block = blockOf(tensor);
    if (block === null || block >= limit) continue;
    const names = blocks.get(block) ?? new Set<string>();
    names.add(tensor.name.replace(/^blk\.\d+\./, ""));
    blocks.set(block, names);
  }
  return [...blocks.values()].filter(test).length;
}

function mainBlockCount(header: GgufHeader): number | null {
  if (header.blockCount === null) return null;
  const extra = header.metadata.get(`${header.architecture}.nextn_predict_layers`);
  return header.blockCount - (typeof extra === "number" ? extra : 0);
}

function blockOf(tensor: GgufTensor): number | null {
  const match = /^blk\.(\d+)\./.exec(tensor.name);
  return match === null ? null : Number(match[1]);
}

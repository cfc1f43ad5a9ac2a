import { encodeBlocks, type EncodableType } from "../blocks/block-codec.js";
import { TENSOR_TYPES } from "../tensor-types.js";
import type { PlannedTensor } from "./plan-model.js";
import { RandomStream } from "./random-stream.js";
import type { SyntheticShape } from "./shape-types.js";
import { rareTokenRanges } from "./vocabulary.js";

const POOL_ELEMENTS = 1 << 20;
const SLICE_ELEMENTS = 1 << 18;

/**
 * How much smaller the embedding rows of control and byte tokens are. Their logits then never win, so generated text stays
 * valid UTF-8 and does not stop early, while a prompt that starts with such a token still has a direction (zeroed rows would
 * turn a lone BOS into an all-zero state).
 */
const RARE_ROW_DIVISOR = 8;

/**
 * Makes tensor bytes from one seeded pool of gaussian numbers, encoded once per (type, deviation) and handed out in slices
 * that start at random blocks: memory stays bounded by the pools, and no two rows repeat in step.
 */
export class TensorFiller {
  readonly #gaussians: Float32Array;
  readonly #pools = new Map<string, Uint8Array>();
  readonly #rareRows: readonly (readonly [number, number])[];

  constructor(
    shape: SyntheticShape,
    private readonly seed: number,
  ) {
    this.#rareRows = rareTokenRanges(shape.vocabulary);
    const random = new RandomStream(seed, "weights");
    this.#gaussians = new Float32Array(POOL_ELEMENTS);
    for (let i = 0; i < POOL_ELEMENTS; i++) this.#gaussians[i] = random.nextGaussian();
  }

  /**
   * The tensor's bytes in order, in pieces that must not be written to. The same for the same seed and tensor, whatever was
   * asked before.
   */
  *pieces(tensor: PlannedTensor): Generator<Uint8Array> {
    const random = new RandomStream(this.seed, tensor.name);
    const { filling } = tensor;
    switch (filling.kind) {
      case "weight":
        yield* this.#slices(tensor.type, filling.deviation, tensor.sizeBytes, random);
        return;
      case "embedding":
        yield* this.#embeddingRows(tensor, filling.deviation, random);
        return;
      default:
        yield smallTensor(tensor, random);
    }
  }

  *#embeddingRows(
    tensor: PlannedTensor,
    deviation: number,
    random: RandomStream,
  ): Generator<Uint8Array> {
    const rows = tensor.shape[1]!;
    const rowBytes = tensor.sizeBytes / rows;
    let row = 0;
    for (const [from, to] of [...this.#rareRows, [rows, rows] as const]) {
      yield* this.#slices(tensor.type, deviation, (from - row) * rowBytes, random);
      const small = deviation / RARE_ROW_DIVISOR;
      yield* this.#slices(tensor.type, small, (to - from) * rowBytes, random);
      row = to;
    }
  }

  *#slices(
    type: EncodableType,
    deviation: number,
    byteCount: number,
    random: RandomStream,
  ): Generator<Uint8Array> {
    if (byteCount === 0) return;
    const { blockSize, blockBytes } = TENSOR_TYPES[type];
    const pool = this.#pool(type, deviation);
    const poolBlocks = POOL_ELEMENTS / blockSize;
    const sliceBlocks = SLICE_ELEMENTS / blockSize;
    for (let left = byteCount / blockBytes; left > 0;) {
      const blocks = Math.min(left, sliceBlocks);
      const start = random.nextBelow(poolBlocks - blocks + 1);
      yield pool.subarray(start * blockBytes, (start + blocks) * blockBytes);
      left -= blocks;
    }
  }

  #pool(type: EncodableType, deviation: number): Uint8Array {
    const key = `${type} ${deviation}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = encodeBlocks(
      type,
      this.#gaussians.map((value) => value * deviation),
    );
    this.#pools.set(key, pool);
    return pool;
  }
}

function smallTensor(tensor: PlannedTensor, random: RandomStream): Uint8Array {
  const values = new Float32Array(tensor.shape[0]!);
  for (let i = 0; i < values.length; i++) values[i] = drawSmall(tensor, i, random);
  return encodeBlocks(tensor.type, values);
}

function drawSmall(tensor: PlannedTensor, index: number, random: RandomStream): number {
  switch (tensor.filling.kind) {
    case "norm":
      return 1 + 0.05 * random.nextGaussian();
    case "decay":
      return -(0.1 + 15.9 * random.nextUniform());
    case "timestep":
      return -6.9 + 4.65 * random.nextUniform();
    case "table":
      return tensor.filling.values[index]!;
    default:
      throw new TypeError(`${tensor.name} is filled from the pool`);
  }
}

import type { HeaderCursor } from "./header-cursor.js";
import { TENSOR_TYPES, tensorBytesOf, tensorTypeOfId, type TensorType } from "./tensor-types.js";

/** One tensor of a file. `shape` is in GGUF order (row length first); `offset` counts from the data section. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly elementCount: number;
}

const TENSOR_LIMIT = 65_536;
const NAME_LIMIT_BYTES = 255;
const DIMENSION_LIMIT = 4;
/** Name length, one byte of name, rank, one dimension, type, offset. */
const SMALLEST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

/**
 * Reads `count` tensor descriptions. Layout is checked separately, once the data section's place is known.
 * @throws GgufError with the byte at which the trouble is.
 */
export async function readTensors(cursor: HeaderCursor, count: number): Promise<GgufTensor[]> {
  if (count > TENSOR_LIMIT) {
    throw cursor.fail("absurd", `${count} tensors; no model has more than ${TENSOR_LIMIT}`);
  }
  if (count * SMALLEST_TENSOR_BYTES > cursor.remaining) {
    throw cursor.truncated(`the tensor list, which claims ${count} tensors`);
  }
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    const at = cursor.position;
    const tensor = await readTensor(cursor, index);
    if (names.has(tensor.name)) {
      throw cursor.fail("bad_layout", `tensor "${tensor.name}" occurs twice`, at);
    }
    names.add(tensor.name);
    tensors.push(tensor);
  }
  return tensors;
}

async function readTensor(cursor: HeaderCursor, index: number): Promise<GgufTensor> {
  const nameAt = cursor.position;
  const length = await cursor.readLength(`the name of tensor ${index + 1}`);
  if (length === 0 || length > NAME_LIMIT_BYTES) {
    throw cursor.fail("absurd", `a tensor name of ${length} bytes`, nameAt);
  }
  const name = await cursor.readText(length, "a tensor name");
  await cursor.load(4, `tensor "${name}"`);
  const rank = cursor.takeU32();
  if (rank === 0 || rank > DIMENSION_LIMIT) {
    throw cursor.fail("absurd", `tensor "${name}" has ${rank} dimensions`, cursor.position - 4);
  }
  await cursor.load(rank * 8 + 12, `tensor "${name}"`);
  const shape: number[] = [];
  let elementCount = 1;
  for (let axis = 0; axis < rank; axis++) {
    const size = cursor.takeU64();
    elementCount *= size;
    if (size === 0 || !Number.isSafeInteger(elementCount)) {
      const shown = [...shape, size].join(" x ");
      throw cursor.fail("absurd", `tensor "${name}" is ${shown} large`, cursor.position - 8);
    }
    shape.push(size);
  }
  const typeId = cursor.takeU32();
  const type = tensorTypeOfId(typeId);
  if (type === null) {
    throw cursor.fail("unknown_type", `tensor "${name}" has type ${typeId}`, cursor.position - 4);
  }
  if (shape[0]! % TENSOR_TYPES[type].blockSize !== 0) {
    throw cursor.fail(
      "bad_layout",
      `tensor "${name}" has rows of ${shape[0]!}, which ${type} cannot store`,
      cursor.position - 4,
    );
  }
  const sizeBytes = tensorBytesOf(type, elementCount);
  const offset = cursor.takeU64();
  if (!Number.isSafeInteger(offset + sizeBytes)) {
    throw cursor.fail("absurd", `tensor "${name}" lies at ${offset}`, cursor.position - 8);
  }
  return { name, shape, type, offset, sizeBytes, elementCount };
}

/**
 * Checks that tensors are aligned, do not overlap and lie inside the file.
 * @throws GgufError `bad_layout`, or `truncated` when the file ends before a tensor does.
 */
export function checkLayout(
  cursor: HeaderCursor,
  tensors: readonly GgufTensor[],
  alignment: number,
  dataOffset: number,
  fileSizeBytes: number | null,
): void {
  let previous: GgufTensor | null = null;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    const start = dataOffset + tensor.offset;
    if (tensor.offset % alignment !== 0) {
      const message = `tensor "${tensor.name}" is not aligned to ${alignment} bytes`;
      throw cursor.fail("bad_layout", message, start);
    }
    if (previous !== null && tensor.offset < previous.offset + previous.sizeBytes) {
      const message = `tensors "${previous.name}" and "${tensor.name}" overlap`;
      throw cursor.fail("bad_layout", message, start);
    }
    if (fileSizeBytes !== null && start + tensor.sizeBytes > fileSizeBytes) {
      throw cursor.truncated(
        `tensor "${tensor.name}", which needs bytes ${start} to ${start + tensor.sizeBytes}`,
      );
    }
    previous = tensor;
  }
}

import { RandomStream } from "../synthetic/random-stream.js";
import { TENSOR_TYPES } from "../tensor-types.js";
import { decodeBlocks, encodeBlocks, type EncodableType } from "./block-codec.js";
import { fromHalfBits, toHalfBits } from "./half-float.js";

const COUNT = 256 * 64;

function gaussians(deviation: number): Float32Array {
  const random = new RandomStream(7, "codec");
  return Float32Array.from({ length: COUNT }, () => random.nextGaussian() * deviation);
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Relative root-mean-square error on gaussian input; ggml's own encoders give 0.084, 0.0415, 0.0052, 0.070, 0.0355, 0.0175. */
const BOUNDS: Record<EncodableType, number> = {
  F32: 0,
  F16: 3e-4,
  Q8_0: 0.0056,
  Q5_0: 0.044,
  Q4_0: 0.088,
  Q4_K: 0.082,
  Q5_K: 0.04,
  Q6_K: 0.02,
};

describe.each(Object.entries(BOUNDS) as [EncodableType, number][])("%s", (type, bound) => {
  it("keeps gaussian weights within its error bound and takes its exact size", () => {
    const values = gaussians(0.03);
    const bytes = encodeBlocks(type, values);
    const { blockSize, blockBytes } = TENSOR_TYPES[type];
    expect(bytes.length).toBe((COUNT / blockSize) * blockBytes);
    const back = decodeBlocks(type, bytes);
    const error = rms(values.map((value, i) => value - back[i]!)) / rms(values);
    expect(error).toBeLessThanOrEqual(bound);
    if (type !== "F32") expect(error).toBeGreaterThan(0);
  });

  it("keeps zeros, constants and one-sided blocks", () => {
    const values = new Float32Array(1024);
    values.fill(0.5, 256, 512);
    values.fill(-0.25, 512, 768);
    for (let i = 768; i < 1024; i++) values[i] = 1 + (i % 7) / 7;
    const back = decodeBlocks(type, encodeBlocks(type, values));
    for (let i = 0; i < values.length; i++) {
      expect(Math.abs(back[i]! - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) * 0.15);
    }
  });

  it("decodes all-zero bytes to zeros", () => {
    const back = decodeBlocks(type, new Uint8Array(TENSOR_TYPES[type].blockBytes * 2));
    expect(back.every((value) => value === 0)).toBe(true);
  });

  it("refuses a part of a block", () => {
    const { blockSize, blockBytes } = TENSOR_TYPES[type];
    if (blockSize > 1) {
      expect(() => encodeBlocks(type, new Float32Array(blockSize + 1))).toThrow(RangeError);
    }
    expect(() => decodeBlocks(type, new Uint8Array(blockBytes + 1))).toThrow(RangeError);
  });
});

describe("half floats", () => {
  it("round-trips every finite bit pattern", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if (((bits >>> 10) & 31) === 31) continue;
      expect(toHalfBits(fromHalfBits(bits))).toBe(bits);
    }
  });

  it("rounds to nearest even, carries, and keeps infinities and NaN", () => {
    expect(toHalfBits(1 + 1 / 2048)).toBe(0x3c00);
    expect(toHalfBits(1 + 3 / 2048)).toBe(0x3c02);
    expect(toHalfBits(2047.9)).toBe(0x6800);
    expect(toHalfBits(65519)).toBe(0x7bff);
    expect(toHalfBits(65520)).toBe(0x7c00);
    expect(toHalfBits(-Infinity)).toBe(0xfc00);
    expect(toHalfBits(2 ** -25)).toBe(0);
    expect(toHalfBits(2 ** -25 * 1.01)).toBe(1);
    expect(fromHalfBits(toHalfBits(NaN))).toBeNaN();
  });
});

/** Per type: where the binary16 scales (set to 1/16) sit in a block of known bytes, and some values that ggml reads there. */
const READ_BY_GGML: [EncodableType, number[], [number, number][]][] = [
  [
    "Q4_0",
    [0],
    [
      [0, -0.1875],
      [5, 0.375],
      [15, -0.5],
      [16, -0.1875],
      [21, -0.5],
      [31, 0],
    ],
  ],
  [
    "Q5_0",
    [0],
    [
      [0, 0.5625],
      [5, -0.875],
      [15, -0.75],
      [16, 0.875],
      [21, -0.375],
      [31, 0.0625],
    ],
  ],
  [
    "Q8_0",
    [0],
    [
      [0, 5.3125],
      [5, 0.875],
      [15, -8],
      [16, -5.6875],
      [21, 5.875],
      [31, -3],
    ],
  ],
  [
    "Q4_K",
    [0, 2],
    [
      [0, 18.125],
      [17, -3.1875],
      [32, -0.25],
      [63, 1.75],
      [95, 11.5625],
      [100, 4.875],
      [133, 9],
      [170, -1.875],
      [190, 54.375],
      [210, 14.25],
      [239, 0.0625],
      [255, 1.9375],
    ],
  ],
  [
    "Q5_K",
    [0, 2],
    [
      [0, 49.125],
      [17, -3.1875],
      [32, 6.25],
      [63, 4.25],
      [95, 52.5625],
      [100, 13.625],
      [133, 48],
      [170, 35.625],
      [190, 91.875],
      [210, 63.25],
      [239, 3.8125],
      [255, 5.6875],
    ],
  ],
  [
    "Q6_K",
    [208],
    [
      [0, -89.4375],
      [17, 32],
      [32, 14.4375],
      [63, -36.25],
      [95, 186],
      [100, 157.6875],
      [133, 22.75],
      [170, 110.5625],
      [190, -189.875],
      [210, 94.5],
      [239, 44.0625],
      [255, -3.75],
    ],
  ],
];

describe("blocks of known bytes", () => {
  it.each(READ_BY_GGML)("%s decodes as libggml-base v0.4.0 does", (type, scales, expected) => {
    const { blockBytes } = TENSOR_TYPES[type];
    const block = Uint8Array.from({ length: blockBytes }, (_, i) => (i * 37 + 11) & 0xff);
    for (const at of scales) block.set([0x00, 0x2c], at);
    const values = decodeBlocks(type, block);
    for (const [index, value] of expected) expect(values[index]).toBe(value);
  });
});

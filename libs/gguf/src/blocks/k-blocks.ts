import { fromHalfBits, roundToHalf, toHalfBits } from "./half-float.js";

// Bound once: these run hundreds of millions of times, and looking up a global may be slow (in a vm context it is).
const { abs, floor, max } = Math;

// Super-block formats Q4_K, Q5_K and Q6_K as ggml-common.h of llama.cpp defines them: 256 elements share one binary16
// scale, sub-blocks refine it. Scales are found by range, not by search: the weights encoded here are random.

const QK = 256;
const SUB = 32;

/** Q4_K: d, dmin, eight 6-bit (scale, minimum) pairs, 256 nibbles; value = d * scale * q - dmin * minimum. */
export function encodeQ4_K(source: Float32Array, target: DataView): void {
  const levels = new Uint8Array(QK);
  for (let start = 0, at = 0; start < source.length; start += QK, at += 144) {
    quantiseAffine(source, start, 15, levels, target, at);
    for (let chunk = 0; chunk < 4; chunk++) {
      for (let i = 0; i < SUB; i++) {
        const low = levels[chunk * 64 + i]!;
        const high = levels[chunk * 64 + SUB + i]!;
        target.setUint8(at + 16 + chunk * SUB + i, low | (high << 4));
      }
    }
  }
}

export function decodeQ4_K(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 144) {
    const factors = readAffine(source, at);
    for (let i = 0; i < QK; i++) {
      const pair = source.getUint8(at + 16 + (i >>> 6) * SUB + (i & 31));
      const level = (i & 32) === 0 ? pair & 15 : pair >>> 4;
      target[start + i] = factors.scale[i >>> 5]! * level - factors.minimum[i >>> 5]!;
    }
  }
}

/** Q5_K: as Q4_K with a plane of 256 fifth bits between the scales and the nibbles. */
export function encodeQ5_K(source: Float32Array, target: DataView): void {
  const levels = new Uint8Array(QK);
  for (let start = 0, at = 0; start < source.length; start += QK, at += 176) {
    quantiseAffine(source, start, 31, levels, target, at);
    for (let i = 0; i < SUB; i++) {
      let fifth = 0;
      for (let chunk = 0; chunk < 4; chunk++) {
        const low = levels[chunk * 64 + i]!;
        const high = levels[chunk * 64 + SUB + i]!;
        fifth |= ((low >>> 4) << (2 * chunk)) | ((high >>> 4) << (2 * chunk + 1));
        target.setUint8(at + 48 + chunk * SUB + i, (low & 15) | ((high & 15) << 4));
      }
      target.setUint8(at + 16 + i, fifth);
    }
  }
}

export function decodeQ5_K(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 176) {
    const factors = readAffine(source, at);
    for (let i = 0; i < QK; i++) {
      const pair = source.getUint8(at + 48 + (i >>> 6) * SUB + (i & 31));
      const fifth = (source.getUint8(at + 16 + (i & 31)) >>> (i >>> 5)) & 1;
      const level = ((i & 32) === 0 ? pair & 15 : pair >>> 4) | (fifth << 4);
      target[start + i] = factors.scale[i >>> 5]! * level - factors.minimum[i >>> 5]!;
    }
  }
}

/** Q6_K: 256 six-bit levels in two planes, sixteen signed 8-bit scales, d last; value = d * scale * (q - 32). */
export function encodeQ6_K(source: Float32Array, target: DataView): void {
  const levels = new Uint8Array(QK);
  const subScales = new Float64Array(16);
  for (let start = 0, at = 0; start < source.length; start += QK, at += 210) {
    let widest = 0;
    for (let sub = 0; sub < 16; sub++) {
      let best = 0;
      for (let i = 0; i < 16; i++) {
        const value = source[start + sub * 16 + i]!;
        if (abs(value) > abs(best)) best = value;
      }
      subScales[sub] = best / -32;
      widest = max(widest, abs(subScales[sub]!));
    }
    const d = roundToHalf(widest / 127);
    for (let sub = 0; sub < 16; sub++) {
      const scale = d === 0 ? 0 : clampRound(subScales[sub]! / d, -128, 127);
      target.setInt8(at + 192 + sub, scale);
      const step = d * scale;
      for (let i = sub * 16; i < sub * 16 + 16; i++) {
        levels[i] = step === 0 ? 32 : clampRound(source[start + i]! / step, -32, 31) + 32;
      }
    }
    target.setUint16(at + 208, toHalfBits(d), true);
    for (let half = 0; half < 2; half++) {
      for (let i = 0; i < 32; i++) {
        const at0 = half * 128 + i;
        const [a, b, c, e] = [
          levels[at0]!,
          levels[at0 + 32]!,
          levels[at0 + 64]!,
          levels[at0 + 96]!,
        ];
        target.setUint8(at + half * 64 + i, (a & 15) | ((c & 15) << 4));
        target.setUint8(at + half * 64 + 32 + i, (b & 15) | ((e & 15) << 4));
        const upper = (a >>> 4) | ((b >>> 4) << 2) | ((c >>> 4) << 4) | ((e >>> 4) << 6);
        target.setUint8(at + 128 + half * 32 + i, upper);
      }
    }
  }
}

export function decodeQ6_K(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 210) {
    const d = fromHalfBits(source.getUint16(at + 208, true));
    for (let i = 0; i < QK; i++) {
      const half = i >>> 7;
      const quarter = (i >>> 5) & 3;
      const lane = i & 31;
      const lower = source.getUint8(at + half * 64 + (quarter & 1) * 32 + lane);
      const upper = source.getUint8(at + 128 + half * 32 + lane);
      const nibble = quarter < 2 ? lower & 15 : lower >>> 4;
      const level = nibble | (((upper >>> (2 * quarter)) & 3) << 4);
      target[start + i] = d * source.getInt8(at + 192 + (i >>> 4)) * (level - 32);
    }
  }
}

/**
 * Finds the scales of one super-block, writes them (first 16 bytes) and leaves the levels in `levels`.
 * A sub-block spans [min(0, lowest), highest] in `top` steps; scales and minima are rounded to six bits of a shared step.
 */
function quantiseAffine(
  source: Float32Array,
  start: number,
  top: number,
  levels: Uint8Array,
  target: DataView,
  at: number,
): void {
  const scales = new Float64Array(8);
  const minima = new Float64Array(8);
  let widestScale = 0;
  let widestMinimum = 0;
  for (let sub = 0; sub < 8; sub++) {
    let lowest = 0;
    let highest = -Infinity;
    for (let i = 0; i < SUB; i++) {
      const value = source[start + sub * SUB + i]!;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    if (highest < lowest) highest = lowest;
    scales[sub] = (highest - lowest) / top;
    minima[sub] = -lowest;
    widestScale = max(widestScale, scales[sub]!);
    widestMinimum = max(widestMinimum, minima[sub]!);
  }
  const d = roundToHalf(widestScale / 63);
  const dmin = roundToHalf(widestMinimum / 63);
  target.setUint16(at, toHalfBits(d), true);
  target.setUint16(at + 2, toHalfBits(dmin), true);
  for (let i = 0; i < 12; i++) target.setUint8(at + 4 + i, 0);
  for (let sub = 0; sub < 8; sub++) {
    const scale = d === 0 ? 0 : clampRound(scales[sub]! / d, 0, 63);
    const minimum = dmin === 0 ? 0 : clampRound(minima[sub]! / dmin, 0, 63);
    packPair(target, at + 4, sub, scale, minimum);
    const step = d * scale;
    const offset = dmin * minimum;
    for (let i = sub * SUB; i < sub * SUB + SUB; i++) {
      levels[i] = step === 0 ? 0 : clampRound((source[start + i]! + offset) / step, 0, top);
    }
  }
}

/** Pairs 0..3 sit in the low six bits of bytes 0..7; pairs 4..7 share bytes 8..11 and the two top bits of bytes 0..7. */
function packPair(target: DataView, at: number, sub: number, scale: number, minimum: number): void {
  const or = (byte: number, bits: number): void =>
    target.setUint8(at + byte, target.getUint8(at + byte) | bits);
  if (sub < 4) {
    or(sub, scale);
    or(sub + 4, minimum);
  } else {
    or(sub + 4, (scale & 15) | ((minimum & 15) << 4));
    or(sub - 4, (scale >>> 4) << 6);
    or(sub, (minimum >>> 4) << 6);
  }
}

function readAffine(source: DataView, at: number): { scale: Float64Array; minimum: Float64Array } {
  const d = fromHalfBits(source.getUint16(at, true));
  const dmin = fromHalfBits(source.getUint16(at + 2, true));
  const byte = (i: number): number => source.getUint8(at + 4 + i);
  const scale = new Float64Array(8);
  const minimum = new Float64Array(8);
  for (let sub = 0; sub < 8; sub++) {
    if (sub < 4) {
      scale[sub] = d * (byte(sub) & 63);
      minimum[sub] = dmin * (byte(sub + 4) & 63);
    } else {
      scale[sub] = d * ((byte(sub + 4) & 15) | ((byte(sub - 4) >>> 6) << 4));
      minimum[sub] = dmin * ((byte(sub + 4) >>> 4) | ((byte(sub) >>> 6) << 4));
    }
  }
  return { scale, minimum };
}

function clampRound(value: number, low: number, high: number): number {
  const rounded = floor(value + 0.5);
  return rounded < low ? low : rounded > high ? high : rounded;
}

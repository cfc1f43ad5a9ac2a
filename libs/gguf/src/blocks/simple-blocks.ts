import { fromHalfBits, roundToHalf, toHalfBits } from "./half-float.js";

// Bound once: these run hundreds of millions of times, and looking up a global may be slow (in a vm context it is).
const { abs, floor } = Math;

// Block formats F32, F16, Q8_0, Q5_0 and Q4_0 as ggml-common.h of llama.cpp defines them. In the 32-element formats the
// low nibbles hold elements 0..15 and the high nibbles 16..31.

const QK = 32;

export function encodeF32(source: Float32Array, target: DataView): void {
  for (let i = 0; i < source.length; i++) target.setFloat32(i * 4, source[i]!, true);
}

export function decodeF32(source: DataView, target: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = source.getFloat32(i * 4, true);
}

export function encodeF16(source: Float32Array, target: DataView): void {
  for (let i = 0; i < source.length; i++) target.setUint16(i * 2, toHalfBits(source[i]!), true);
}

export function decodeF16(source: DataView, target: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = fromHalfBits(source.getUint16(i * 2, true));
}

/** Q8_0: binary16 scale d, then 32 signed bytes; value = d * q. */
export function encodeQ8_0(source: Float32Array, target: DataView): void {
  for (let start = 0, at = 0; start < source.length; start += QK, at += 34) {
    const scale = roundToHalf(extreme(source, start) / 127);
    target.setUint16(at, toHalfBits(abs(scale)), true);
    const d = abs(scale);
    for (let i = 0; i < QK; i++) {
      target.setInt8(at + 2 + i, d === 0 ? 0 : quantise(source[start + i]! / d, -127, 127));
    }
  }
}

export function decodeQ8_0(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 34) {
    const d = fromHalfBits(source.getUint16(at, true));
    for (let i = 0; i < QK; i++) target[start + i] = d * source.getInt8(at + 2 + i);
  }
}

/** Q4_0: binary16 scale d, then 16 bytes of nibbles; value = d * (q - 8). */
export function encodeQ4_0(source: Float32Array, target: DataView): void {
  for (let start = 0, at = 0; start < source.length; start += QK, at += 18) {
    const d = roundToHalf(extreme(source, start) / -8);
    target.setUint16(at, toHalfBits(d), true);
    for (let i = 0; i < 16; i++) {
      const low = d === 0 ? 8 : quantise(source[start + i]! / d, -8, 7) + 8;
      const high = d === 0 ? 8 : quantise(source[start + i + 16]! / d, -8, 7) + 8;
      target.setUint8(at + 2 + i, low | (high << 4));
    }
  }
}

export function decodeQ4_0(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 18) {
    const d = fromHalfBits(source.getUint16(at, true));
    for (let i = 0; i < 16; i++) {
      const pair = source.getUint8(at + 2 + i);
      target[start + i] = d * ((pair & 15) - 8);
      target[start + i + 16] = d * ((pair >>> 4) - 8);
    }
  }
}

/** Q5_0: binary16 scale d, 32 fifth bits, then 16 bytes of nibbles; value = d * (q - 16). */
export function encodeQ5_0(source: Float32Array, target: DataView): void {
  for (let start = 0, at = 0; start < source.length; start += QK, at += 22) {
    const d = roundToHalf(extreme(source, start) / -16);
    target.setUint16(at, toHalfBits(d), true);
    let fifth = 0;
    for (let i = 0; i < 16; i++) {
      const low = d === 0 ? 16 : quantise(source[start + i]! / d, -16, 15) + 16;
      const high = d === 0 ? 16 : quantise(source[start + i + 16]! / d, -16, 15) + 16;
      target.setUint8(at + 6 + i, (low & 15) | ((high & 15) << 4));
      fifth |= ((low >>> 4) << i) | ((high >>> 4) << (i + 16));
    }
    target.setUint32(at + 2, fifth >>> 0, true);
  }
}

export function decodeQ5_0(source: DataView, target: Float32Array): void {
  for (let start = 0, at = 0; start < target.length; start += QK, at += 22) {
    const d = fromHalfBits(source.getUint16(at, true));
    const fifth = source.getUint32(at + 2, true);
    for (let i = 0; i < 16; i++) {
      const pair = source.getUint8(at + 6 + i);
      target[start + i] = d * (((pair & 15) | (((fifth >>> i) & 1) << 4)) - 16);
      target[start + i + 16] = d * (((pair >>> 4) | (((fifth >>> (i + 16)) & 1) << 4)) - 16);
    }
  }
}

/** The signed value of largest magnitude in one 32-element block. */
function extreme(source: Float32Array, start: number): number {
  let best = 0;
  for (let i = start; i < start + QK; i++) {
    if (abs(source[i]!) > abs(best)) best = source[i]!;
  }
  return best;
}

function quantise(value: number, low: number, high: number): number {
  const rounded = floor(value + 0.5);
  return rounded < low ? low : rounded > high ? high : rounded;
}

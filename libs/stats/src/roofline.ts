import { requirePositive } from "./finite.js";

/**
 * Decoding reads every weight (and the KV cache) once a token, so memory bandwidth bounds it: the decode rate times the
 * bytes read for a token, as a percentage of the device's measured bandwidth. Above 100 the measurement is implausible.
 * @throws RangeError unless all three are positive and finite
 */
export function rooflinePercent(measured: {
  decodeTokensPerSecond: number;
  bytesPerToken: number;
  bandwidthBytesPerSecond: number;
}): number {
  const { decodeTokensPerSecond, bytesPerToken, bandwidthBytesPerSecond } = measured;
  requirePositive(decodeTokensPerSecond, "rooflinePercent: decodeTokensPerSecond");
  requirePositive(bytesPerToken, "rooflinePercent: bytesPerToken");
  requirePositive(bandwidthBytesPerSecond, "rooflinePercent: bandwidthBytesPerSecond");
  return (100 * decodeTokensPerSecond * bytesPerToken) / bandwidthBytesPerSecond;
}

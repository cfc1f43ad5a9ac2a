/**
 * Checks that `values` are measurements: at least one, all finite.
 * @throws RangeError naming the first value that is not, since a NaN would pass silently into every published figure.
 */
export function requireFinite(values: readonly number[], what: string): void {
  if (values.length === 0) throw new RangeError(`${what}: no values`);
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index !== -1) {
    throw new RangeError(`${what}: value ${index} is ${values[index]}, not a finite number`);
  }
}

/** @throws RangeError unless `value` is finite and above zero. */
export function requirePositive(value: number, what: string): void {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${what} is ${value}, not a positive finite number`);
  }
}

/**
 * Fills a buffer with token ids that are uniform over the vocabulary, as llama-bench's `rand() % n_vocab`
 * draws them (that the speed of a mixture of experts depends on its tokens is why they must be random).
 * Deterministic from the state that it returns and takes (xorshift32; never zero).
 *
 * @param firstToken what stands in the first place instead (the beginning-of-sequence token), or null
 */
export function drawTokens(
  into: Int32Array,
  vocabularySize: number,
  firstToken: number | null,
  state: number,
): number {
  let x = state;
  for (let i = 0; i < into.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    into[i] = (x >>> 0) % vocabularySize;
  }
  if (firstToken !== null && into.length > 0) into[0] = firstToken;
  return x;
}

// Bound once: these run hundreds of millions of times, and looking up a global may be slow (in a vm context it is).
const { floor, imul, sqrt } = Math;

/**
 * A seeded stream of random numbers that is the same on every platform: xoshiro128** (Blackman and Vigna, 2018) on 32-bit
 * integers, filled by a SplitMix-like mixer. Only integer operations, + - * / and sqrt reach a written file.
 */
export class RandomStream {
  readonly #state: Uint32Array;

  /** Streams of equal seed and label are equal; of different label, unrelated. The seed is an integer below 2^53. */
  constructor(seed: number, label: string) {
    let mixed = hashText(label) ^ (seed >>> 0) ^ imul(floor(seed / 4294967296), 0x9e3779b1);
    this.#state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0;
      let word = mixed;
      word = imul(word ^ (word >>> 16), 0x85ebca6b);
      word = imul(word ^ (word >>> 13), 0xc2b2ae35);
      this.#state[i] = word ^ (word >>> 16);
    }
  }

  /** The next 32 random bits as an unsigned integer. */
  nextWord(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const product = imul(s1, 5);
    const result = imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s1;
    s[1] = s1 ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ shifted;
    const s3 = s[3]!;
    s[3] = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  /** A uniform number in [0, 1). */
  nextUniform(): number {
    return this.nextWord() / 4294967296;
  }

  /** An integer in [0, bound), for bounds small against 2^32. */
  nextBelow(bound: number): number {
    return floor(this.nextUniform() * bound);
  }

  /** A gaussian-like number of mean 0 and deviation 1: the sum of eight uniform 16-bit integers (Irwin-Hall). */
  nextGaussian(): number {
    let sum = 0;
    for (let i = 0; i < 4; i++) {
      const word = this.nextWord();
      sum += (word & 0xffff) + (word >>> 16);
    }
    return (sum - EIGHT_HALVES_MEAN) / EIGHT_HALVES_DEVIATION;
  }
}

const EIGHT_HALVES_MEAN = 4 * 65535;
const EIGHT_HALVES_DEVIATION = sqrt((8 * (65536 * 65536 - 1)) / 12);

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}

import type { VocabularyShape } from "./shape-types.js";

// Bound once: these run for every token, and looking up a global may be slow (in a vm context it is).
const { floor } = Math;

/** `tokenizer.ggml.token_type` numbers (llama_token_type in llama.h). */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const PAIR_COUNT = 26 * 26;
const QUAD_COUNT = PAIR_COUNT * PAIR_COUNT;
/** Coprime to 26^4, so stepping by it visits every four-letter word once, in a scattered order. */
const QUAD_STEP = 98_765;

/** A made-up vocabulary of exactly the shape's size. `merges` is for byte-level BPE, `scores` for SentencePiece. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly scores: readonly number[] | null;
  readonly merges: readonly string[] | null;
}

/**
 * Builds the vocabulary: control and byte tokens at the real ids, two- and four-letter words everywhere else. Each word is
 * the merge of two shorter tokens, so any ASCII text tokenises and every generated word is valid UTF-8.
 */
export function makeVocabulary(shape: VocabularyShape): Vocabulary {
  const isBpe = shape.model === "gpt2";
  const space = isBpe ? "Ġ" : "▁";
  const words = isBpe ? mergedWords(space) : pieceWords(space);
  const bytes = isBpe ? byteLevelAlphabet() : null;
  const tokens: string[] = [];
  const types: number[] = [];
  const merges: string[] = [];
  for (let id = 0; id < shape.size; id++) {
    const byte = id - shape.firstByteId;
    if (isControlId(shape, id)) {
      tokens.push(shape.control[id] ?? `<|reserved_${id}|>`);
      types.push(id === shape.unknownId && !isBpe ? UNKNOWN : CONTROL);
    } else if (byte >= 0 && byte < 256) {
      tokens.push(
        bytes === null ? `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>` : bytes[byte]!,
      );
      types.push(isBpe ? NORMAL : BYTE);
    } else {
      const word = nextWord(words);
      tokens.push(word.left + word.right);
      types.push(NORMAL);
      if (isBpe) merges.push(`${word.left} ${word.right}`);
    }
  }
  return {
    tokens,
    types,
    scores: isBpe ? null : tokens.map((_, id) => (types[id] === NORMAL ? -id : 0)),
    merges: isBpe ? merges : null,
  };
}

/** Half-open row ranges of the control and byte tokens, ascending and disjoint. */
export function rareTokenRanges(shape: VocabularyShape): [number, number][] {
  const ranges: [number, number][] = [];
  for (let id = 0; id < shape.size; id++) {
    const byte = id - shape.firstByteId;
    if (!isControlId(shape, id) && !(byte >= 0 && byte < 256)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === id) last[1] = id + 1;
    else ranges.push([id, id + 1]);
  }
  return ranges;
}

function isControlId(shape: VocabularyShape, id: number): boolean {
  return (
    shape.control[id] !== undefined ||
    shape.controlRanges.some(([from, to]) => id >= from && id < to)
  );
}

interface Word {
  readonly left: string;
  readonly right: string;
}

function nextWord(words: Iterator<Word>): Word {
  const next = words.next();
  if (next.done === true) throw new RangeError("a vocabulary of this size needs longer words");
  return next.value;
}

/** Words for BPE. The order is the merge rank: pairs, then pairs after a space, then four letters of either kind. */
function* mergedWords(space: string): Generator<Word> {
  for (let i = 0; i < PAIR_COUNT; i++) {
    yield { left: LETTERS[floor(i / 26)]!, right: LETTERS[i % 26]! };
  }
  for (let i = 0; i < PAIR_COUNT; i++) yield { left: space, right: pair(i) };
  yield* longWords(space);
}

/** Pieces for SentencePiece, which has no letters of its own besides the byte tokens. */
function* pieceWords(space: string): Generator<Word> {
  yield { left: space, right: "" };
  const singles = `${LETTERS}${LETTERS.toUpperCase()}0123456789.,;:!?'"()-`;
  for (const single of singles) yield { left: single, right: "" };
  yield* mergedWords(space);
}

function* longWords(space: string): Generator<Word> {
  for (let i = 0; i < QUAD_COUNT; i++) {
    const quad = (i * QUAD_STEP) % QUAD_COUNT;
    const left = pair(floor(quad / PAIR_COUNT));
    const right = pair(quad % PAIR_COUNT);
    yield { left: space + left, right };
    yield { left, right };
  }
}

function pair(index: number): string {
  return LETTERS[floor(index / 26)]! + LETTERS[index % 26]!;
}

/** GPT-2's printable stand-in for every byte, in token order: printable Latin-1 first, then the rest from U+0100 on. */
function byteLevelAlphabet(): string[] {
  const printable: string[] = [];
  const rest: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const shown =
      (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    if (shown) printable.push(String.fromCharCode(byte));
    else rest.push(String.fromCharCode(256 + rest.length));
  }
  return [...printable, ...rest];
}

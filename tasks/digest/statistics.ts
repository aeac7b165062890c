// Counts bytes, lines and words as chunks of UTF-8 come in. Where the chunks are cut makes no difference, and
// the memory needed has a bound that does not depend on the document: see the two limits below.

import { sha256 } from "../../runtime/core/sha256.ts";
import { mostFrequent, type WordCount } from "./words.ts";

const TOP_LENGTH = 50;
/** Above this many different words, the rarest are forgotten. */
const MAX_DIFFERENT_WORDS = 100_000;
/** A longer word is known by its first 64 characters, so that a gigabyte of one letter is one short word. */
const WORD = /([\p{L}\p{M}\p{N}]{1,64})[\p{L}\p{M}\p{N}]*/gu;
const LINE_FEED = 0x0a;

export class TextStatistics {
  bytes = 0;
  #lineFeeds = 0;
  #lastByte = LINE_FEED; // So an empty document has no lines.
  #words = 0;
  #counts = new Map<string, number>();
  /** The start of a word that goes on, perhaps, in the next chunk. */
  #unfinishedWord = "";
  #hash = sha256();
  // What is not UTF-8 becomes U+FFFD, which is part of no word. Without `ignoreBOM`, Deno 2.9 drops a U+FEFF
  // at the start of any chunk, not only of the first, and so joins the words on both sides.
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Counts the next bytes of the document. Keeps no reference to them. */
  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) this.#lineFeeds++;
    this.#lastByte = chunk[chunk.length - 1];
    const text = this.#unfinishedWord + this.#decoder.decode(chunk, { stream: true });
    this.#unfinishedWord = "";
    for (const match of text.matchAll(WORD)) {
      if (match.index + match[0].length === text.length) this.#unfinishedWord = match[1];
      else this.#countWord(match[1]);
    }
  }

  /** Must be called once, after the last chunk. */
  finish(): { bytes: number; lines: number; words: number; top: WordCount[]; sha256: string } {
    // What the decoder may still hold is part of a character, and hence U+FFFD: it could only end the word.
    if (this.#unfinishedWord !== "") this.#countWord(this.#unfinishedWord);
    return {
      bytes: this.bytes,
      lines: this.#lineFeeds + (this.#lastByte === LINE_FEED ? 0 : 1),
      words: this.#words,
      top: mostFrequent(this.#counts, TOP_LENGTH),
      sha256: this.#hash.digest("hex"),
    };
  }

  #countWord(word: string): void {
    this.#words++;
    // The lower case is a string of its own; a substring as it is would keep its whole chunk in memory
    // (measured).
    const key = word.toLowerCase();
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#counts.size > MAX_DIFFERENT_WORDS) this.#forgetRarest();
  }

  /**
   * Drops words seen once, then twice and so on, until there is room: frequent words stay, with true
   * counts.
   */
  #forgetRarest(): void {
    for (let rare = 1; this.#counts.size > MAX_DIFFERENT_WORDS / 2; rare++) {
      for (const [word, count] of this.#counts) if (count <= rare) this.#counts.delete(word);
    }
  }
}

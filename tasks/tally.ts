// The reduce step to `digest`: a task whose input is what other tasks returned, given as references.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";
import { digestSchema } from "./digest/schema.ts";
import { mostFrequent, wordCountSchema } from "./digest/words.ts";

/** Stands for a digest that failed, where that is allowed. It is skipped. */
const failedSchema = z.object({ error: z.object({ name: z.string(), message: z.string() }) });

export const tally = define(
  {
    name: "tally",
    description: "Merges digests into totals.",
    input: z.object({ digests: z.array(z.union([digestSchema, failedSchema])) }),
    output: z.object({
      files: z.int().describe("How many digests were merged"),
      bytes: z.int(),
      lines: z.int(),
      words: z.int(),
      top: z.array(wordCountSchema).describe(
        "The 10 most frequent words of the digests' own tops, an estimate",
      ),
      largest: z.object({ source: z.string(), bytes: z.int() }).nullable(),
    }),
  },
  ({ input }) => {
    const digests = input.digests.filter((one): one is z.output<typeof digestSchema> => !("error" in one));
    const totals = { files: digests.length, bytes: 0, lines: 0, words: 0 };
    let largest: { source: string; bytes: number } | null = null;
    // A word that misses a digest's top is counted as absent there, so a merged count is a lower bound. So a
    // digest keeps 50 words where 10 are needed: a word of the true top 10 is seldom missing in many of
    // those.
    const counts = new Map<string, number>();
    for (const { source, bytes, lines, words, top } of digests) {
      totals.bytes += bytes;
      totals.lines += lines;
      totals.words += words;
      for (const { word, count } of top) counts.set(word, (counts.get(word) ?? 0) + count);
      if (largest === null || bytes > largest.bytes) largest = { source, bytes };
    }
    return { ...totals, top: mostFrequent(counts, 10), largest };
  },
);

// What `digest` returns and `tally` takes.

import { z } from "zod";
import { wordCountSchema } from "./words.ts";

/** Loose: a digest with more fields, as of a later version, can still be merged. */
export const digestSchema = z.looseObject({
  source: z.string().describe('The path or the URL as it was given, or "text"'),
  bytes: z.int().min(0),
  lines: z.int().min(0).describe("As `wc -l` counts, and a last line without a line feed counts too"),
  words: z.int().min(0).describe("Runs of Unicode letters, marks and digits"),
  top: z.array(wordCountSchema).describe(
    "Up to 50 of the most frequent words, in lower case. Exact up to 100,000 different words; in a document " +
      "with more, the rarest are forgotten now and then, and counts are lower bounds",
  ),
  sha256: z.string().regex(/^[0-9a-f]{64}$/).describe("Of the bytes, in hexadecimal"),
});

// Work on real documents: streams a file, a text or a web page and counts what is in it. The input names a
// path or a URL, so each has a guard of its own: `digest/file.ts` and `digest/address.ts`.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";
import { readFile } from "./digest/file.ts";
import { digestSchema } from "./digest/schema.ts";
import { TextStatistics } from "./digest/statistics.ts";

const PROGRESS_STEP_BYTES = 8 * 1024 * 1024;

const documentSchema = z.union([
  z.strictObject({
    path: z.string().min(1).describe(
      "A file below DIGEST_ROOT, by default the server's working directory; no dotfile, and nothing in data/",
    ),
  }),
  z.strictObject({ text: z.string() }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "Must be an http or https URL" }).describe(
      "At a public address",
    ),
  }),
], { error: "Give exactly one of path, text and url, as a string" });

export const digest = define(
  {
    name: "digest",
    description: "Counts a document's bytes, lines and words, finds its most frequent words and its SHA-256.",
    input: documentSchema,
    output: digestSchema,
  },
  async ({ input, signal, progress }) => {
    const { source, chunks } = open(input, signal);
    const statistics = new TextStatistics();
    let reportedBytes = 0;
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      statistics.add(chunk);
      if (statistics.bytes - reportedBytes >= PROGRESS_STEP_BYTES) {
        reportedBytes = statistics.bytes;
        progress(reportedBytes, undefined, "bytes read");
      }
    }
    return { source, ...statistics.finish() };
  },
);

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

function open(
  input: z.output<typeof documentSchema>,
  signal: AbortSignal,
): { source: string; chunks: Chunks } {
  if ("path" in input) return { source: input.path, chunks: readFile(input.path, { signal }) };
  if ("url" in input) return { source: input.url, chunks: downloaded(input.url, signal) };
  return { source: "text", chunks: [new TextEncoder().encode(input.text)] };
}

/** Loaded by the first download only. */
async function* downloaded(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { download } = await import("./digest/download.ts");
  yield* download(url, { signal });
}

// A map, and a chord: many tasks side by side, then one that gets all their results. No program waits in
// between: the commit that stores the last result makes the next task ready.

import { createErrand, define } from "@errand/errand";
import { chord, sig } from "@errand/errand/client";
import { z } from "zod";

const counts = z.record(z.string(), z.int());

const letters = define(
  { name: "letters", input: z.object({ text: z.string() }), output: counts },
  ({ input }) => {
    const found: Record<string, number> = {};
    for (const letter of input.text.toLowerCase().match(/[a-z]/g) ?? []) {
      found[letter] = (found[letter] ?? 0) + 1;
    }
    return found;
  },
);

const merge = define(
  { name: "merge", input: z.object({ all: z.array(counts) }), output: counts },
  ({ input }) => {
    const merged: Record<string, number> = {};
    for (const one of input.all) {
      for (const [letter, count] of Object.entries(one)) merged[letter] = (merged[letter] ?? 0) + count;
    }
    return merged;
  },
);

await using errand = await createErrand({ kv: ":memory:", definitions: { letters, merge } });
await errand.start();

const texts = ["to be", "or not", "to be"];

// A task for each element. Its results come in the order of the inputs.
const futures = await errand.client.map("letters", { text: texts });
for (const [i, found] of (await futures.results()).entries()) console.log(texts[i], JSON.stringify(found));

// The list of the header's results goes into the field `all` of the body.
const header = texts.map((text) => sig("letters", { text }));
const flow = await errand.client.run(chord(header, sig("merge", undefined, { into: "all" })));
console.log("together", JSON.stringify(await flow.result()));

// A task, a submit, its result. The database is in memory: give `kv` a path, and tasks survive the process.

import { createErrand, define } from "@errand/errand";
import { z } from "zod";

const countWords = define(
  { name: "countWords", input: z.object({ text: z.string() }), output: z.int() },
  ({ input }) => input.text.split(/\s+/).filter(Boolean).length,
);

await using errand = await createErrand({ kv: ":memory:", definitions: { countWords } });
await errand.start();

const future = await errand.client.submit("countWords", { text: "a task is a durable future" });
console.log(`${await future.result()} words`);

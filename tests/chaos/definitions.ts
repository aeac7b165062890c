// Functions that tell a side log when they start and end, so that a run is known apart from what the engine
// says.

import { z } from "zod";
import { type AnyDefinition, define, type TaskContext } from "../../runtime/core/define.ts";
import { replaceWith } from "../../runtime/core/replace_with.ts";
import { type Journal, now } from "./journal.ts";
import { pause } from "../support/waiting.ts";
import type { RunLine } from "./lines.ts";

export const WORK = "chaos-work";
export const REPLACES = "chaos-replaces";
export const POISON = "chaos-poison";
export const DEAF = "chaos-deaf";

const work = z.object({
  ms: z.int(),
  /** The first so many attempts throw. */
  failures: z.int().default(0),
  reports: z.boolean().default(false),
  padding: z.string().default(""),
  /** Of a compensation: what it takes back. */
  taken: z.unknown().optional(),
});
const replaces = z.object({
  form: z.enum(["one", "chain", "group"]),
  call: z.string(),
  /** In the first so many attempts the last of those in its place fails. */
  failures: z.int(),
  ms: z.array(z.int()),
});
const done = z.object({ run: z.string(), padding: z.int() });

export function definitionsWith(runs: Journal): AnyDefinition[] {
  const begin = ({ task: { id, token }, attempt }: TaskContext<unknown>) => {
    const run = crypto.randomUUID().slice(-12);
    const line = { run, id, attempt, token, pid: Deno.pid };
    runs.write({ is: "start", ...line, at: now() } satisfies RunLine);
    const over = (how: RunLine["how"]) => {
      runs.write({ is: "end", ...line, at: now(), how } satisfies RunLine);
    };
    return { run, over };
  };

  return [
    define({ name: WORK, input: work, output: done }, async (context) => {
      const { input, attempt, signal, progress } = context;
      const { run, over } = begin(context);
      if (input.reports) progress(1, 2, run);
      await pause(input.ms, signal);
      if (input.reports) progress(2, 2, run);
      if (signal.aborted) {
        over("stopped");
        throw signal.reason;
      }
      if (attempt <= input.failures) {
        over("threw");
        throw new Error(`planned, run ${run}`);
      }
      over("returned");
      return { run, padding: input.padding.length };
    }),

    /** Puts others in its place, in each attempt new ones. */
    define({ name: REPLACES, input: replaces }, (context) => {
      const { input: { form, call, failures, ms }, task: { id }, attempt } = context;
      const { over } = begin(context);
      const tasks = ms.map((ms, n, all) => ({
        task: WORK,
        input: { ms, failures: attempt <= failures && n === all.length - 1 ? 1 : 0 },
        ...(form === "chain" && n > 0 ? { immutable: true } : {}),
        options: { maxCrashes: 100, metadata: { follows: call, inPlaceOf: id, attempt, n } },
      }));
      over("returned");
      return replaceWith(form === "one" ? tasks[0] : form === "chain" ? { chain: tasks } : { group: tasks });
    }),

    /** Goes on whatever its signal says. */
    define({ name: DEAF, input: z.object({ ms: z.int() }), output: done }, async (context) => {
      const { run, over } = begin(context);
      await pause(context.input.ms);
      over("returned");
      return { run, padding: 0 };
    }),

    /** Takes its process with it. */
    define({ name: POISON, input: z.object({ bait: z.string() }) }, async (context) => {
      begin(context);
      // Not at once: others that began in the same commit get to run too, and suffer.
      await pause(20);
      Deno.kill(Deno.pid, "SIGKILL");
    }),
  ];
}

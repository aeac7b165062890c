// Definitions that thread_pool_test.ts runs on worker threads.

import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { ignore, reject } from "../../runtime/core/failure_hints.ts";
import { replaceWith } from "../../runtime/core/replace_with.ts";
import { SoftTimeLimitError } from "../../runtime/core/soft_time_limit.ts";

const config = { input: z.unknown(), thread: import.meta.url };

let calls = 0;

export const count = define({ ...config, name: "count" }, ({ input, task, attempt }) => {
  return { input, task: task.id, attempt, calls: ++calls };
});

export const refuse = define({ ...config, name: "refuse" }, () => {
  throw Object.assign(new RangeError("not again", { cause: new TypeError("because") }), { retryable: false });
});

/** Longer than any test of it. Deno may let it compute on when its thread is terminated. */
const SPINS_MS = 30_000;

export const spin = define({ ...config, name: "spin" }, ({ log }) => {
  log("spinning");
  for (const until = performance.now() + SPINS_MS; performance.now() < until;);
});

/** Computes without end, reports now and then, and leaves a file when it ends all the same. */
export const report = define(
  { ...config, name: "report", input: z.object({ path: z.string() }) },
  ({ input, log }) => {
    try {
      for (;;) {
        log("computing");
        for (const until = performance.now() + 20; performance.now() < until;);
      }
    } finally {
      Deno.writeTextFileSync(input.path, "over");
    }
  },
);

/** Ends when it is told to, and says by what. */
export const wind = define({ ...config, name: "wind" }, async ({ log, signal }) => {
  log("winding");
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return [signal.reason instanceof SoftTimeLimitError, signal.reason.message];
});

export const talk = define({ ...config, name: "talk" }, ({ progress, log, emit }) => {
  progress(1, 2, "half");
  log("line", { a: 1 });
  emit([1]);
  return null;
});

export const handOver = define({ ...config, name: "handOver" }, () => {
  return replaceWith({ task: "talk", input: { n: 1 } });
});

export const unfit = define({ ...config, name: "unfit" }, () => new Map());

/** Each one submits the next and waits for it. */
export const relay = define(
  { ...config, name: "relay", input: z.object({ depth: z.int() }), output: z.int() },
  async ({ input: { depth }, submit }) => {
    if (depth === 0) return 0;
    const child = await submit("relay", { depth: depth - 1 });
    return 1 + (await child.result() as number);
  },
);

export const directs = define({ ...config, name: "directs" }, ({ input }) => {
  throw {
    reject: reject("bad order"),
    ignore: ignore("seen before"),
    answer: new Response(null, { status: 503, headers: { "retry-after": "9" } }),
  }[(input as { how: "reject" | "ignore" | "answer" }).how];
});

export const failsOnThread = define({ ...config, name: "failsOnThread" }, ({ input }) => {
  throw new Error((input as { message: string }).message);
});

export const namedOnThread = define({ ...config, name: "namedOnThread" }, async ({ submit }) => {
  const child = await submit("add", { a: 1, b: 2 });
  return [child.id, `${child}`, Object.keys(child)];
});

export const onRefuse = define({ ...config, name: "onRefuse" }, async ({ submit }) => {
  return await (await submit("refuse")).result();
});

/** Hands children on to other children. */
export const handsOn = define({ ...config, name: "handsOn" }, async ({ submit }) => {
  const first = await submit("add", { a: 1, b: 2 });
  const second = await submit("add", { a: first, b: first });
  return await (await submit("echo", { value: { deep: [second, "plain", [first]] } })).result();
});

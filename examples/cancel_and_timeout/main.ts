// Cancel, deadlines and retries, and what a function sees of them.

import { createErrand, define } from "@errand/errand";
import { CancelledError, TimeoutError } from "@errand/errand/client";
import { z } from "zod";

/** Waits until it is told to stop, and says why it was. */
const watch = define({ name: "watch", input: z.object({}) }, async ({ signal, log }) => {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => {
    log("cleaning up", { because: String(signal.reason) });
    reject(signal.reason);
  });
  return await promise;
});

/** Fails twice. */
const flaky = define(
  { name: "flaky", input: z.object({}), output: z.int(), retry: { maxAttempts: 3, delayMs: 10 } },
  ({ attempt }) => {
    if (attempt < 3) throw new Error(`attempt ${attempt} failed`);
    return attempt;
  },
);

await using errand = await createErrand({ kv: ":memory:", definitions: { watch, flaky } });
await errand.start();
const { client } = errand;

// A caller that waits no longer than it likes. The task goes on.
const first = await client.submit("watch", {});
await first.result({ timeoutMs: 200 }).catch((error) => {
  console.log("the caller gave up:", error instanceof TimeoutError);
});

// A cancel reaches the running function through its signal.
console.log("asked to stop:", await first.cancel("no longer needed"));
const error = await first.result({ raiseOnFailure: false });
console.log("cancelled:", error instanceof CancelledError && error.reason);

// A limit for each attempt, set by the submit.
const limited = await client.submit("watch", {}, { timeoutMs: 100 });
await limited.wait();
console.log("over its limit:", (await limited.state()).name);

// Not started within its time: it never will be.
const late = await client.submit("flaky", {}, { delayMs: 60_000, ttlMs: 100 });
await late.wait();
console.log("too late to start:", (await late.state()).name);

// Retries are in the function's definition.
console.log("attempts:", await (await client.submit("flaky", {})).result());

// Prefect's promises about limits.

import assert from "node:assert/strict";
import type { TaskFuture } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import { eventually, pause } from "../support/waiting.ts";
import { notYet } from "./not_yet.ts";
import type { Row } from "./row.ts";
import { stateOf } from "./states.ts";
import { childrenOf, LONG_MS, until } from "./steps.ts";

const TAG_LIMITS = "Prefect docs, Tag-based concurrency limits";
const GLOBAL_LIMITS = "Prefect docs, Global concurrency and rate limits";
const WAITS = "PENDING AwaitingConcurrencySlot";

const aKey = () => `limit/${crypto.randomUUID()}`;

/** Has a slot of each of these, until it is cancelled. */
async function holderOf(errand: Errand, ...keys: string[]): Promise<TaskFuture> {
  const concurrency = keys.map((key) => ({ key, limit: 1 }));
  const future = await errand.submit("sleep", { ms: LONG_MS }, { concurrency });
  await until(future, "RUNNING");
  return future;
}

export const limits: Row[] = [
  {
    promise: "a task needs a slot of each of its tags",
    source: TAG_LIMITS,
    test: async (errand) => {
      const [one, other] = [aKey(), aKey()];
      const holders = [await holderOf(errand, one), await holderOf(errand, other)];
      const concurrency = [{ key: one, limit: 1 }, { key: other, limit: 1 }];
      const future = await errand.submit("add", { a: 1, b: 2 }, { concurrency });
      assert.equal(await stateOf(future), WAITS);
      await holders[0].cancel();
      await holders[0].wait();
      // It has come to the limit that is still full.
      const waitsForOther = async () => (await future.state()).message?.includes(other) === true;
      await eventually(waitsForOther, "it does not come to the other limit");
      assert.equal(await stateOf(future), WAITS);
      await holders[1].cancel();
      assert.equal(await future.result(), 3);
    },
  },
  {
    promise: "a limit of 0 aborts",
    source: TAG_LIMITS,
    by: 'It holds them: they start once a rule allows more. With onFull "cancel-new" they end at once.',
    test: async (errand) => {
      const key = aKey();
      await errand.limits.set(key, { concurrency: 0 });
      const held = await errand.submit("add", { a: 1, b: 2 }, { concurrency: { key } });
      assert.equal(await stateOf(held), WAITS);
      const concurrency = { key, onFull: "cancel-new" } as const;
      const aborted = await errand.submit("add", { a: 1, b: 2 }, { concurrency });
      await aborted.wait();
      assert.equal(await stateOf(aborted), "CANCELLED Cancelled");
      await errand.limits.set(key, { concurrency: 1 });
      assert.equal(await held.result(), 3);
      await errand.limits.remove(key);
    },
  },
  {
    promise: "those that wait ask again every 30 s (here they should be told at once)",
    source: TAG_LIMITS,
    test: async (errand) => {
      const key = aKey();
      const holder = await holderOf(errand, key);
      const future = await errand.submit("add", { a: 1, b: 2 }, { concurrency: { key, limit: 1 } });
      assert.equal(await stateOf(future), WAITS);
      await holder.cancel();
      assert.equal(await future.result({ timeoutMs: 20_000 }), 3);
    },
  },
  {
    promise: "concurrency(): slots with a lease that is renewed",
    source: GLOBAL_LIMITS,
    by: "a child task with the key, for the part that needs the slot: its lease is the slot's",
    test: async (errand) => {
      const [gate, key] = [crypto.randomUUID(), aKey()];
      const child = {
        task: "hold",
        input: { gate, value: "had it" },
        options: { concurrency: { key, limit: 1 } },
      };
      const parents = await errand.map("family", [{ children: [child], awaits: true }, {
        children: [child],
        awaits: true,
      }]);
      const children = (await Promise.all([...parents].map((parent) => childrenOf(errand, parent)))).flat();
      const hasOne = async () => (await Promise.all(children.map((one) => one.running()))).includes(true);
      await eventually(hasOne, "none of them has the slot");
      // Longer than a lease.
      await pause(2_500);
      const states = (await Promise.all(children.map(stateOf))).toSorted();
      assert.deepEqual(states, [WAITS, "RUNNING Running"]);
      assert.deepEqual(await Promise.all([...parents].map(stateOf)), ["RUNNING Running", "RUNNING Running"]);
      await errand.submit("release", { gate });
      assert.deepEqual(await parents.results(), [["had it"], ["had it"]]);
    },
  },
  ...notYet(
    GLOBAL_LIMITS,
    "Needs limits that must be there: a submit may name any key, with its own limit.",
    [
      "strict=True",
    ],
  ),
  {
    promise: "slot_decay_per_second: a rate limit",
    source: GLOBAL_LIMITS,
    test: async (errand) => {
      const rateLimit = { key: aKey(), limit: 1, periodMs: 600_000, burst: 2 };
      const inputs = [1, 2, 3].map((a) => ({ a, b: 0 }));
      const futures = await errand.map("add", inputs, { rateLimit });
      assert.deepEqual([await futures[0].result(), await futures[1].result()], [1, 2]);
      assert.equal(await stateOf(futures[2]), "PENDING AwaitingRateLimit");
      const { rateLimit: inForce, nextStartAt } = await errand.limits.get(rateLimit.key);
      assert.deepEqual(inForce, { limit: 1, periodMs: 600_000, burst: 2 });
      assert.ok(Date.parse(nextStartAt!) > Date.now());
      await futures[2].cancel();
    },
  },
  {
    promise: "work queue: concurrency_limit",
    source: "Prefect docs, Work pools: Work queues",
    test: async (errand) => {
      const queue = "limited.by-prefect";
      assert.equal((await errand.queues.limit(queue, 1)).current, 1);
      const holder = await errand.submit("sleep", { ms: LONG_MS }, { queue });
      await until(holder, "RUNNING");
      const future = await errand.submit("add", { a: 1, b: 2 }, { queue });
      assert.equal(await stateOf(future), WAITS);
      assert.equal(await (await errand.submit("add", { a: 3, b: 4 })).result(), 7, "another queue");
      await holder.cancel();
      assert.equal(await future.result(), 3);
      assert.equal((await errand.queues.limit(queue, null)).current, null);
    },
  },
  {
    promise: "deployment: concurrency_limit, changed while runs wait",
    source: GLOBAL_LIMITS,
    test: async (errand) => {
      await errand.queues.limitDefinition("echo", 0);
      const future = await errand.submit("echo", { value: 1 });
      const { name, message } = await future.state();
      assert.equal(name, "AwaitingConcurrencySlot");
      assert.equal(message, "waits for a slot of the definition echo: at most 0 at once");
      await errand.queues.limitDefinition("echo", null);
      await future.result();
    },
  },
  {
    promise: "deployment limit: ENQUEUE",
    source: GLOBAL_LIMITS,
    test: async (errand) => {
      const key = aKey();
      const holder = await holderOf(errand, key);
      const concurrency = { key, limit: 1, onFull: "queue" } as const;
      const future = await errand.submit("add", { a: 1, b: 2 }, { concurrency });
      assert.equal(await stateOf(future), WAITS);
      assert.equal((await errand.limits.get(key)).waiting, 1);
      await holder.cancel();
      assert.equal(await future.result(), 3);
    },
  },
  {
    promise: "deployment limit: CANCEL_NEW",
    source: GLOBAL_LIMITS,
    test: async (errand) => {
      const key = aKey();
      const holder = await holderOf(errand, key);
      const concurrency = { key, limit: 1, onFull: "cancel-new" } as const;
      const future = await errand.submit("add", { a: 1, b: 2 }, { concurrency });
      await future.wait();
      const { type, message } = await future.state();
      assert.deepEqual([type, message], ["CANCELLED", `the limit "${key}" was full`]);
      assert.equal(await stateOf(holder), "RUNNING Running");
      await holder.cancel();
    },
  },
];

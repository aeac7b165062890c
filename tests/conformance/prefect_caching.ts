// Prefect's caching.

import assert from "node:assert/strict";
import type { TaskOptions } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import { eventually } from "../support/waiting.ts";
import type { Row } from "./row.ts";
import { reached, stateOf } from "./states.ts";

const CACHING = "Prefect docs, Caching";

/** The states of two tasks, the second one submitted when the first has ended. */
async function twice(
  errand: Errand,
  first: TaskOptions,
  second: TaskOptions = first,
  inputs: [object, object] = [{ a: 1, b: 2 }, { b: 2, a: 1 }],
): Promise<string[]> {
  const names: string[] = [];
  for (const [i, options] of [first, second].entries()) {
    const future = await errand.submit("echo", { value: inputs[i] }, options);
    await future.wait();
    names.push((await future.state()).name);
  }
  return names;
}

const ONCE = ["Completed", "Cached"];
const TWICE = ["Completed", "Completed"];
const MINUTE = { ttlMs: 60_000 };

export const caching: Row[] = [
  {
    promise: "COMPLETED Cached",
    source: "Prefect docs, States",
    test: async (errand) => assert.deepEqual(await twice(errand, { cache: MINUTE }), ONCE),
  },
  {
    promise: "DEFAULT: inputs, task source and run id",
    source: CACHING,
    by:
      "cache: {ttlMs}, by the input and the definition's version; a run that is to be alone has a key of its own",
    test: async (errand) => {
      assert.deepEqual(
        await twice(errand, { cache: MINUTE }, undefined, [{ c: 1, d: 2 }, { d: 2, c: 1 }]),
        ONCE,
      );
      const other: [object, object] = [{ a: 5 }, { a: 6 }];
      assert.deepEqual(await twice(errand, { cache: MINUTE }, undefined, other), TWICE);
      const [one, two] = ["run 1", "run 2"].map((key) => ({ cache: { ...MINUTE, key } }));
      assert.deepEqual(await twice(errand, one, two), TWICE);
    },
  },
  {
    promise: "NO_CACHE",
    source: CACHING,
    test: async (errand) => {
      assert.deepEqual(await twice(errand, {}), TWICE);
      assert.deepEqual(await twice(errand, { cache: false }), TWICE);
    },
  },
  {
    promise: "FLOW_PARAMETERS",
    source: CACHING,
    by: "a cache key of the caller's own",
    test: async (errand) => {
      const key = JSON.stringify({ day: "2026-11-29" });
      const inputs: [object, object] = [{ n: 1 }, { n: 2 }];
      assert.deepEqual(await twice(errand, { cache: { ...MINUTE, key } }, undefined, inputs), ONCE);
    },
  },
  {
    promise: "policies can be added",
    source: CACHING,
    by: "a cache key of the caller's own, made of several parts",
    test: async (errand) => {
      const of = (...parts: string[]) => ({ cache: { ...MINUTE, key: JSON.stringify(parts) } });
      assert.deepEqual(await twice(errand, of("source 1", "inputs 1")), ONCE);
      assert.deepEqual(await twice(errand, of("source 2", "inputs 1"), of("source 2", "inputs 2")), TWICE);
    },
  },
  {
    promise: "INPUTS - 'debug'",
    source: CACHING,
    test: async (errand) => {
      await (await errand.submit("remembered", { of: "a", debug: true })).wait();
      const second = await errand.submit("remembered", { of: "a", debug: false });
      assert.equal(await stateOf(second), "COMPLETED Cached");
    },
  },
  {
    promise: "cache_key_fn",
    source: CACHING,
    test: async (errand) => {
      const first = await errand.submit("remembered", { of: "b" });
      const result = await first.result();
      const second = await errand.submit("remembered", { of: "b", debug: true });
      assert.equal(await stateOf(second), "COMPLETED Cached");
      assert.deepEqual(await second.result(), result);
      assert.equal((await second.task()).cachedFrom, first.id);
    },
  },
  {
    promise: "cache_expiration",
    source: CACHING,
    test: async (errand) => {
      const options = { cache: { ttlMs: 1, key: "brief" } };
      await (await errand.submit("echo", { value: 1 }, options)).wait();
      await eventually(async () => {
        const future = await errand.submit("echo", { value: 1 }, options);
        await future.wait();
        return (await future.state()).name === "Completed";
      });
    },
  },
  {
    promise: "refresh_cache",
    source: CACHING,
    test: async (errand) => {
      const cache = { ...MINUTE, key: "refreshed" };
      assert.deepEqual(await twice(errand, { cache }, { cache: { ...cache, refresh: true } }), TWICE);
      assert.deepEqual(await twice(errand, { cache }), ["Cached", "Cached"]);
    },
  },
  {
    promise: "isolation level READ_COMMITTED",
    source: CACHING,
    test: async (errand) => {
      const options = { cache: { ...MINUTE, key: "committed" } };
      const running = await errand.submit("sleep", { ms: 600_000 }, options);
      await reached(running, "Running");
      const second = await errand.submit("sleep", { ms: 0 }, options);
      await second.wait();
      assert.equal(
        await stateOf(second),
        "COMPLETED Completed",
        "there is no result before the commit of an end",
      );
      await running.cancel();
    },
  },
  {
    promise: "isolation level SERIALIZABLE",
    source: CACHING,
    by: "unique beside cache: who comes meanwhile gets the task that runs",
    test: async (errand) => {
      const options = { cache: { ...MINUTE, key: "alone" }, unique: { key: "alone" } };
      const running = await errand.submit("sleep", { ms: 600_000 }, options);
      const second = await errand.submit("sleep", { ms: 0 }, options);
      assert.deepEqual([second.id, second.deduplicated], [running.id, true]);
      await running.cancel();
    },
  },
  {
    promise: "key_storage",
    source: CACHING,
    notYet: "Has no meaning here: keys and results stand in the one database with their tasks.",
  },
];

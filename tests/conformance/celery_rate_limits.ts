// Celery's promises about rate limits.

import assert from "node:assert/strict";
import type { TaskFuture } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { aDatabase } from "../support/server_process.ts";
import type { Row } from "./row.ts";
import { stateOf } from "./states.ts";

const aKey = () => `rate/${crypto.randomUUID()}`;

/** How long after its submit each of them has started, in milliseconds. */
async function startsOf(futures: Iterable<TaskFuture>): Promise<number[]> {
  const tasks = await Promise.all([...futures].map((future) => future.task()));
  return tasks.map(({ createdAt, startedAt }) => Date.parse(startedAt!) - Date.parse(createdAt));
}

export const rateLimits = (source: string): Row[] => [
  {
    promise: 'rate_limit "100/m"',
    source,
    test: async (errand) => {
      const rateLimit = { key: aKey(), limit: 100, periodMs: 60_000 };
      const futures = await errand.map("add", [{ a: 1, b: 2 }, { a: 3, b: 4 }], { rateLimit });
      const [first, second] = [...futures];
      assert.equal(await first.result(), 3);
      assert.equal(await second.result(), 7);
      const held = (await second.task()).history.find(({ name }) => name === "AwaitingRateLimit");
      assert.equal(held?.message, `waits for the rate of "${rateLimit.key}": 100 in 60000 ms`);
      const waitedMs = (await startsOf(futures))[1];
      assert.ok(waitedMs >= 600, `${waitedMs} ms`);
    },
  },
  {
    promise: "rate_limit: starts are spaced evenly",
    source,
    test: async (errand) => {
      const rateLimit = { key: aKey(), limit: 20, periodMs: 1_000 };
      const inputs = Array.from({ length: 6 }, (_, a) => ({ a, b: 0 }));
      const futures = await errand.map("add", inputs, { rateLimit });
      await futures.wait();
      // None before its place; a slow machine may be late.
      (await startsOf(futures)).forEach((afterMs, i) => assert.ok(afterMs >= 50 * i, `${i}: ${afterMs} ms`));
    },
  },
  {
    promise: "rate_limit counts for each worker (here it should count for all together)",
    source,
    test: async () => {
      await using database = await aDatabase();
      await using one = await aServer({ KV_PATH: database.path });
      await using other = await aServer({ KV_PATH: database.path });
      const rateLimit = { key: aKey(), limit: 1, periodMs: 600_000, burst: 2 };
      const states = [];
      for (const { url } of [one, other, one, other]) {
        const future = await aClient(url).submit("add", { a: 1, b: 2 }, { rateLimit });
        states.push((await future.state()).name);
      }
      assert.deepEqual(states.slice(2), ["AwaitingRateLimit", "AwaitingRateLimit"]);
      assert.ok(!states.slice(0, 2).includes("AwaitingRateLimit"));
    },
  },
];

export const rateLimitAtRuntime = (source: string): Row[] => [
  {
    promise: "rate_limit() at runtime",
    source,
    test: async (errand) => {
      const key = aKey();
      const rateLimit = { key, limit: 1, periodMs: 600_000 };
      const inputs = [{ a: 1, b: 2 }, { a: 3, b: 4 }];
      const futures = await errand.map("add", inputs, { rateLimit });
      const [, held] = [...futures];
      await futures[0].wait();
      assert.equal(await stateOf(held), "PENDING AwaitingRateLimit");
      await errand.limits.set(key, { rateLimit: { limit: 1_000, periodMs: 1_000 } });
      assert.equal(await held.result(), 7);
      await errand.limits.remove(key);
    },
  },
];

// No call is refused because of how its tasks happen to fill commits, on any backend.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  EMBEDDED_LIMITS,
  type KvLimits,
  REMOTE_LIMITS,
  REMOTE_SHARDS,
} from "../../../runtime/platform/kv.ts";
import type { Submission } from "../../../runtime/core/submission.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { batchOf, type Composing, composing, ownIds } from "../../support/composing.ts";

const BACKENDS = {
  embedded: { limits: EMBEDDED_LIMITS, shards: 1 },
  remote: { limits: REMOTE_LIMITS, shards: REMOTE_SHARDS },
};

/** Deno KV itself refuses more than it takes; a `denokv` server takes fewer checks than the client sends. */
function strict(limits: KvLimits) {
  return (kv: Deno.Kv): Deno.Kv =>
    new Proxy(kv, {
      get(target, name) {
        if (name === "atomic") {
          const atomic = target.atomic();
          const check = atomic.check.bind(atomic);
          let checks = 0;
          atomic.check = (...some) => {
            checks += some.length;
            assert.ok(checks <= limits.checks, `a commit has ${checks} checks`);
            return check(...some);
          };
          return () => atomic;
        }
        // deno-lint-ignore no-explicit-any
        const value = (target as any)[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
}

const call = fc.record({
  shape: fc.constantFrom("loose", "atomic", "chain", "chord", "stages"),
  size: fc.integer({ min: 1, max: 420 }),
  tags: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }), { maxLength: 20 }),
  priorities: fc.integer({ min: 1, max: 21 }),
  inputCharacters: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 13_000 })),
  ownIds: fc.boolean(),
  group: fc.boolean(),
  idempotent: fc.boolean(),
  maxConcurrent: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** For each place the places that it waits for. */
const SHAPES: Record<Call["shape"], (place: number, size: number) => number[]> = {
  loose: () => [],
  atomic: () => [],
  chain: (place) => place === 0 ? [] : [place - 1],
  chord: (place, size) => place === size - 1 ? [...Array(size - 1).keys()] : [],
  stages: (place, size) => place < size / 2 ? [] : [place - Math.ceil(size / 2), 0],
};

function submissionsOf({ shape, size, tags, priorities, inputCharacters }: Call, ids: string[]) {
  return ids.map((id, place): Partial<Submission> => ({
    id,
    input: "x".repeat(inputCharacters),
    options: {
      tags,
      priority: place % priorities - 10,
      waitFor: SHAPES[shape](place, size).map((other) => ids[other]),
    },
  }));
}

async function submit(bench: Composing, wanted: Call, key: string): Promise<string[]> {
  const { size, shape, group, idempotent, maxConcurrent } = wanted;
  const many = (ids: string[]) => batchOf(submissionsOf(wanted, ids));
  const { ids } = await bench.submitter.submit({
    batch: wanted.ownIds ? many(ownIds(size)) : (newId) => many(Array.from({ length: size }, () => newId())),
    atomic: shape !== "loose",
    group,
    ...(group && { maxConcurrent }),
    ...(idempotent && { idempotency: { key, fingerprint: "f" } }),
  });
  return ids;
}

for (const [name, { limits, shards }] of Object.entries(BACKENDS)) {
  Deno.test(`a call of any shape and size is stored, and its first tasks may run (${name})`, async () => {
    let calls = 0;
    const isStored = fc.asyncProperty(call, async (wanted) => {
      await using bench = await composing({ limits, shards, wrap: strict(limits) });
      const ids = await submit(bench, wanted, `key ${++calls}`);
      await bench.follow();
      const waits = ids.map((_, place) => SHAPES[wanted.shape](place, wanted.size).length > 0);
      const most = wanted.group && wanted.maxConcurrent || Infinity;
      const states = await Promise.all(ids.map(bench.state));
      const ready = states.filter((state) => state === "Pending").length;
      const first = waits.slice(0, most).filter((isWaiting) => !isWaiting).length;
      assert.equal(ready, first);
    });
    await fc.assert(isStored, { numRuns: 60, seed: 20300101, endOnFailure: true });
  });
}

Deno.test("tasks with large inputs are released by their barrier, and get the slots of their group", async () => {
  const log = {
    info: () => {},
    error: (message: string, error: unknown) => assert.fail(`${message}: ${error}`),
  };
  const input = "x".repeat(12_000);
  for (const { limits, shards } of Object.values(BACKENDS)) {
    await using bench = await composing({ limits, shards, wrap: strict(limits), log });
    const released = await bench.call(Array.from({ length: 100 }, () => ({ input })), { atomic: true });
    await bench.follow();
    assert.deepEqual(
      new Set(await Promise.all(released.map(({ id }) => bench.state(id)))),
      new Set(["Pending"]),
    );
    const [first, ...others] = await bench.call(Array.from({ length: 91 }, () => ({ input })), {
      group: true,
      maxConcurrent: 1,
    });
    const key = keys.concurrencyLimit(first.groups[0]);
    await bench.kv.writer.set(key, { ...(await bench.kv.get<object>(key)).value, max: 90 });
    await bench.run(first.id);
    await bench.follow();
    const states = await Promise.all(others.map(({ id }) => bench.state(id)));
    assert.deepEqual(new Set(states), new Set(["Pending"]));
  }
});

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { UpstreamGoneError } from "../../../runtime/core/errors.ts";
import { InputResolver } from "../../../runtime/worker/input_resolver.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { Store } from "../../../runtime/store/store.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { retried } from "../../../runtime/core/transitions.ts";
import { Values } from "../../../runtime/store/values.ts";
import { type Composing, composing, elsewhere as another, resultOf } from "../../support/composing.ts";

const LARGE = "x".repeat(30_000);

/** A task with this input, whether it may run or not. */
async function input(bench: Composing, value: unknown): Promise<TaskRecord> {
  const [{ id }] = await bench.call([{ input: value, options: { allowFailure: true } }]);
  return await bench.record(id);
}

/** As another process reads it, which remembers nothing. */
function elsewhere({ kv, clock, ids }: Composing): InputResolver {
  const store = new Store({ kv, clock, ids });
  return new InputResolver(store, new Values(kv, ids, store.turns));
}

Deno.test("an input without references is what was submitted, in chunks or not", async () => {
  await using bench = await composing();
  const inputs = new InputResolver(bench.store, bench.values);
  for (const value of [{ a: [1, null] }, 7, LARGE]) {
    assert.deepEqual(await inputs.of(await input(bench, value)), value);
  }
});

Deno.test("references become results, large ones too; quotes become what they quote", async () => {
  await using bench = await composing();
  const [{ id: small }, { id: large }] = await bench.call([{}, {}]);
  await bench.run(small);
  await bench.store.update("settle", large, ({ record }) => {
    return { next: { ...record as TaskRecord, result: null } };
  });
  await bench.run(large);
  const result = await bench.values.store(large, JSON.stringify({ LARGE }));
  await bench.store.update("settle", large, ({ record }) => ({ next: { ...record as TaskRecord, result } }));
  const value = { a: [resultOf(small), resultOf(small)], b: resultOf(large), c: { $quote: resultOf(small) } };
  const record = await input(bench, value);
  const wanted = { a: [small, small], b: { LARGE }, c: resultOf(small) };
  assert.deepEqual(await new InputResolver(bench.store, bench.values).of(record), wanted);
  assert.deepEqual(await elsewhere(bench).of(record), wanted);
});

Deno.test("more references than are loaded at once come each to its place", async () => {
  await using bench = await composing();
  const upstreams = (await bench.call(Array.from({ length: 120 }, () => ({})))).map(({ id }) => id);
  for (const id of upstreams) await bench.run(id);
  const record = await input(bench, upstreams.map(resultOf));
  assert.deepEqual(await elsewhere(bench).of(record), upstreams);
});

Deno.test("an upstream that did not complete is told as its error", async () => {
  await using bench = await composing();
  const [{ id: failed }, { id: cancelled }, { id: again }] = await bench.call([{}, {}, {}]);
  await bench.run(failed, "fails");
  await bench.cancel(cancelled, "no more");
  await bench.run(again, "fails");
  const record = await input(bench, [resultOf(failed), resultOf(cancelled), resultOf(again)]);
  // It is run again meanwhile: what it ended with last is what this task was let go with.
  await bench.store.update("settle", again, ({ record }) => {
    return { next: retried(record as TaskRecord, bench.clock.now(), { json: "1" }) };
  });
  const [one, two, three] = await elsewhere(bench).of(record) as { error: Record<string, unknown> }[];
  assert.deepEqual(one, { error: { name: "Error", message: "no luck", retryable: false } });
  assert.deepEqual(two, { error: { name: "Cancelled", message: "no more", retryable: false } });
  assert.equal(three.error.name, "Failed");
  assert.match(String(three.error.message), /no luck/);
});

Deno.test("what is remembered of a failure is not believed: it may have been mended elsewhere", async () => {
  await using bench = await composing();
  const [{ id }] = await bench.call([{}]);
  const record = await input(bench, [resultOf(id)]);
  await bench.run(id, "fails");
  const there = another(bench);
  await there.retry(id);
  await there.run(id);
  assert.deepEqual(await new InputResolver(bench.store, bench.values).of(record), [id]);
});

Deno.test("a result that is gone is an error that no repetition mends", async () => {
  await using bench = await composing();
  const [{ id }] = await bench.call([{}]);
  await bench.run(id);
  const record = await input(bench, [resultOf(id)]);
  await bench.cancel(record.id);
  await bench.follow();
  await bench.forget(id);
  const gone = (error: unknown) => {
    return error instanceof UpstreamGoneError && error.message.includes(id) && !error.retryable;
  };
  await assert.rejects(new InputResolver(bench.store, bench.values).of(record), gone);
  await assert.rejects(elsewhere(bench).of(record), gone);
});

Deno.test("only what refers to something is looked through", async () => {
  await using bench = await composing({ limits: EMBEDDED_LIMITS });
  const [{ id }] = await bench.call([{ input: 1 }]);
  const record = { ...await bench.record(id), input: { json: JSON.stringify(resultOf(id)) } };
  assert.deepEqual(await new InputResolver(bench.store, bench.values).of(record), resultOf(id));
});

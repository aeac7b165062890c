// Tasks in the place of another one that go on, or are gone, at the moment when that one is about to end.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Replacements } from "../../../runtime/commands/replacements.ts";
import { endOf } from "../../../runtime/core/conditions.ts";
import { ConflictError } from "../../../runtime/core/errors.ts";
import type { Entry, Stored, TaskRecord } from "../../../runtime/core/task.ts";
import { claimed, settled } from "../../../runtime/core/transitions.ts";
import { tellDependents } from "../../../runtime/dependencies/edges.ts";
import { keys, parse, prefixes } from "../../../runtime/platform/keys.ts";
import { replaceSubject } from "../../../runtime/platform/outbox_subject.ts";
import type { DependencyCounter } from "../../../runtime/store/dependency_counters.ts";
import { type Composing, composing } from "../../support/composing.ts";

interface Replaced extends AsyncDisposable {
  bench: Composing;
  id: string;
  members(): Promise<string[]>;
  /** Tells the task how one of those in its place has ended. */
  tell(member: string): Promise<void>;
  follow(): Promise<boolean>;
  settle(): Promise<boolean>;
  /** Done once, right after the next look at those in its place, and before that look is acted upon. */
  meanwhile(work: () => Promise<unknown>): void;
}

/** A task in whose place are two others, which it does not wait for yet. */
async function aReplacedTask(): Promise<Replaced> {
  const bench = await composing();
  const { store, values, submitter, clock, kv } = bench;
  const replacements = new Replacements(store, values, {
    submitter,
    maxResultBytes: 1_000,
    cancel: async (id) => void await bench.cancel(id),
  });
  const [{ id }] = await bench.call([{}]);
  const step = (next: (record: TaskRecord) => TaskRecord) =>
    store.update("settle", id, ({ record }) => ({ next: next(record as TaskRecord) }));
  await step((record) => claimed(record, clock.now(), { worker: "w", token: "t" }));
  const flow = { json: JSON.stringify({ group: [{ task: "work" }, { task: "work" }] }) };
  await step((record) => settled(record, clock.now(), { kind: "replaced", flow }, () => 1));
  const versionOf = async (subject: string) => {
    const { versionstamp } = await kv.get(keys.outbox(subject));
    assert(versionstamp !== null, `the outbox has no entry ${subject}`);
    return versionstamp;
  };
  return {
    bench,
    id,
    async members() {
      const { replacement } = await bench.record(id);
      const page = await kv.list({ prefix: prefixes.index("group", replacement!.group!) }, { limit: 10 });
      return page.map(({ key }) => parse.index(key).id);
    },
    async tell(member) {
      const { record, versionstamp } = await store.read(member) as Entry;
      const check = { key: keys.task(member), versionstamp };
      assert(await tellDependents(store, member, endOf(record), check, () => false));
    },
    follow: async () => await replacements.follow(id, await versionOf(replaceSubject(id))),
    async settle() {
      const versionstamp = await versionOf(id);
      const entry = await store.read(id) as Entry;
      const counter = await kv.get<DependencyCounter>(keys.dependencyCounter(id));
      return await clock.run(replacements.settle({ id, versionstamp, entry, counter }));
    },
    meanwhile(work) {
      const { peekMany } = store;
      store.peekMany = async (ids): Promise<(Entry<Stored> | null)[]> => {
        store.peekMany = peekMany;
        const found = await store.peekMany(ids);
        await work();
        return found;
      };
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

Deno.test("a task does not end while one in its place, which it has seen ended, is retried", async () => {
  await using replaced = await aReplacedTask();
  const { bench, id } = replaced;
  assert(await replaced.follow());
  const members = await replaced.members();
  for (const member of members) {
    await bench.run(member, "fails");
    await replaced.tell(member);
  }
  replaced.meanwhile(() => bench.retry(members[0]));
  assert.equal(await replaced.settle(), false);
  assert.equal(await bench.state(id), "AwaitingTask");
  await replaced.tell(members[0]);
  assert(await replaced.settle());
  assert.equal(await bench.state(id), "AwaitingTask");
  await bench.run(members[0], "fails");
  await replaced.tell(members[0]);
  assert(await replaced.settle());
  assert.equal(await bench.state(id), "Failed");
});

Deno.test("one that is retried after the cancel of all is cancelled, too", async () => {
  await using replaced = await aReplacedTask();
  const { bench, id } = replaced;
  assert(await replaced.follow());
  await bench.cancel(id, "enough");
  assert(await replaced.follow());
  const members = await replaced.members();
  for (const member of members) await replaced.tell(member);
  await bench.retry(members[1]);
  await replaced.tell(members[1]);
  assert(await replaced.settle());
  assert.equal(await bench.state(id), "AwaitingTask");
  assert(await replaced.follow());
  await replaced.tell(members[1]);
  assert(await replaced.settle());
  const states = await Promise.all([id, ...members].map((one) => bench.state(one)));
  assert.deepEqual(states, ["Cancelled", "Cancelled", "Cancelled"]);
});

Deno.test("one in its place is not deleted before the task waits for it", async () => {
  await using replaced = await aReplacedTask();
  const { bench } = replaced;
  replaced.meanwhile(async () => {
    const [first] = await replaced.members();
    await bench.run(first, "fails");
    await assert.rejects(bench.forget(first), ConflictError);
  });
  assert(await replaced.follow());
});

Deno.test("if one is gone all the same, the task fails once the others have ended", async () => {
  await using replaced = await aReplacedTask();
  const { bench, id } = replaced;
  const { store, clock } = bench;
  replaced.meanwhile(async () => {
    const [first] = await replaced.members();
    await bench.run(first, "fails");
    await store.update("settle", first, ({ record }) => {
      return { next: { id: first, op: "", rev: record.rev, forgottenAt: clock.now() } };
    });
  });
  for (let looks = 0; looks < 2; looks++) assert.equal(await clock.run(replaced.follow()), false);
  assert.equal(await bench.state(id), "AwaitingTask");
  await bench.run((await replaced.members()).at(-1)!);
  assert(await clock.run(replaced.follow()));
  const { error } = await bench.record(id);
  assert.deepEqual([await bench.state(id), error!.name], ["Failed", "UpstreamGoneError"]);
});

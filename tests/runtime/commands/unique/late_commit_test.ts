// A commit that had no answer is applied later: after its call was told of another one's task.

import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError } from "../../../../runtime/core/errors.ts";
import { prefixes } from "../../../../runtime/platform/keys.ts";
import type { SubmitCall } from "../../../../runtime/commands/submit.ts";
import type { Submission } from "../../../../runtime/core/submission.ts";
import { groupRecord } from "../../../../runtime/store/group_counters.ts";
import { batchOf, type Composing, composing, elsewhere, ownIds } from "../../../support/composing.ts";
import { FaultyKv } from "../../../support/faulty_kv.ts";

const UNIQUE = { unique: { key: "a" } };

interface Late extends AsyncDisposable {
  bench: Composing;
  other: Composing;
  faulty: FaultyKv;
  /** The id of another process's task that has the key. */
  holder(): string;
  submit(
    submission: Partial<Submission>,
    options?: Partial<SubmitCall>,
  ): ReturnType<Composing["submitter"]["submit"]>;
}

/** The first commit of the submit is late, and another process takes the key meanwhile. */
async function late(): Promise<Late> {
  const faulty = new FaultyKv();
  const bench = await composing({ wrap: faulty.wrap });
  const other = elsewhere(bench);
  let holder = "";
  return {
    bench,
    other,
    faulty,
    holder: () => holder,
    submit(submission, options = {}) {
      faulty.next.push("late");
      faulty.meanwhile = async () => {
        faulty.meanwhile = () => Promise.resolve();
        holder = (await other.call([{ options: UNIQUE }]))[0].id;
      };
      return bench.clock.run(bench.submitter.submit({ batch: batchOf([submission]), ...options }));
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

async function tasksOf({ kv }: Composing): Promise<string[]> {
  const stored = await kv.list<Uint8Array>({ prefix: prefixes.task }, { limit: 9 });
  const records = stored.map(({ value }) => JSON.parse(new TextDecoder().decode(value)));
  return records.filter((record) => !("forgottenAt" in record)).map(({ id }) => id);
}

/** The key is free again. */
async function applyLate({ bench, faulty, holder }: Late): Promise<boolean> {
  await bench.run(holder());
  assert.equal((await bench.left("unique")).length, 0);
  return (await faulty.late[0]()).ok;
}

for (const atomic of [false, true]) {
  const which = atomic ? "an atomic call" : "a call";
  const limited = { atomic, group: true };

  Deno.test(`${which} that got another's task makes none of its own later, nor its group again`, async () => {
    await using world = await late();
    const { bench, holder } = world;
    const { ids, groupId } = await world.submit({ options: UNIQUE }, limited);
    assert.deepEqual(ids, [holder()]);
    assert.equal(await applyLate(world), false);
    assert.deepEqual(await tasksOf(bench), [holder()]);
    const { total, ended } = (await groupRecord(bench.kv, groupId!))!;
    assert.deepEqual([total, ended], [1, { COMPLETED: 1 }]);
  });

  Deno.test(`${which} with an id of its own does not make its group again`, async () => {
    await using world = await late();
    const [id] = ownIds(1);
    const { ids } = await world.submit({ id, options: UNIQUE }, limited);
    assert.deepEqual(ids, [world.holder()]);
    assert.equal(await applyLate(world), false);
    assert.deepEqual(await tasksOf(world.bench), [world.holder()]);
  });

  Deno.test(`${which} that was refused for its key makes no task later`, async () => {
    await using world = await late();
    const options = { unique: { key: "a", onConflict: "reject" as const } };
    await assert.rejects(world.submit({ options }, { atomic }), ConflictError);
    assert.equal(await applyLate(world), false);
    assert.deepEqual(await tasksOf(world.bench), [world.holder()]);
  });

  Deno.test(`${which} whose key is free again when it looks makes its task, once`, async () => {
    await using world = await late();
    const { bench, other, faulty } = world;
    const submit = world.submit({ options: UNIQUE }, limited);
    const take = faulty.meanwhile;
    faulty.meanwhile = async () => {
      await take();
      // The fence is applied, but reported as a failed check.
      faulty.next.push("applied, not ok");
      faulty.meanwhile = () => other.run(world.holder());
    };
    const { ids: [id] } = await submit;
    assert.notEqual(id, world.holder());
    assert.deepEqual(faulty.next, []);
    assert.deepEqual((await tasksOf(bench)).sort(), [id, world.holder()].sort());
    await bench.run(id);
    assert.equal((await faulty.late[0]()).ok, false);
    assert.equal(await bench.state(id), "Completed");
    assert.equal((await bench.left("unique")).length, 0);
  });
}

// Tasks that wait for groups.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ANYBODY, type Caller } from "../../../runtime/core/caller.ts";
import type { ValidationError } from "../../../runtime/core/errors.ts";
import type { WaitFor } from "../../../runtime/core/wait_for.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import type { SubmitCall } from "../../../runtime/commands/submit.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import type { GroupRecord } from "../../../runtime/store/group_record.ts";
import { type Composing, composing, elsewhere, ownIds } from "../../support/composing.ts";
import { FaultyKv, type Mishap, MISHAPS } from "../../support/faulty_kv.ts";

type EndOfTask = "completes" | "fails" | "is cancelled";

interface Made {
  group: string;
  members: string[];
}

async function aGroup(bench: Composing, size = 2, call: Partial<SubmitCall> = {}): Promise<Made> {
  const tasks = await bench.call(Array.from({ length: size }, () => ({})), { group: true, ...call });
  return { group: tasks[0].groups[0], members: tasks.map(({ id }) => id) };
}

async function waiting(bench: Composing, waitFor: WaitFor, more = {}): Promise<string> {
  const [{ id }] = await bench.call([{ options: { waitFor, ...more } }]);
  return id;
}

/** The first task completes, the last one ends as said. */
async function end(bench: Composing, { members }: Made, how: EndOfTask): Promise<void> {
  for (const id of members.slice(0, -1)) await bench.run(id);
  const last = members.at(-1)!;
  if (how === "is cancelled") await bench.cancel(last);
  else await bench.run(last, how);
}

const groupOf = async ({ kv }: Composing, id: string) => (await kv.get<GroupRecord>(keys.group(id))).value!;

const TABLE: [(group: string) => WaitFor, Record<EndOfTask, string>][] = [
  [(id) => [id], { "completes": "Pending", "fails": "UpstreamFailed", "is cancelled": "UpstreamFailed" }],
  [(id) => [{ task: id, on: ["FAILED"] }], {
    "completes": "Skipped",
    "fails": "Pending",
    "is cancelled": "Skipped",
  }],
  [(id) => [{ task: id, on: ["COMPLETED", "CANCELLED"] }], {
    "completes": "Pending",
    "fails": "Skipped",
    "is cancelled": "Pending",
  }],
  [(id) => [{ task: id, optional: true }], {
    "completes": "Pending",
    "fails": "Pending",
    "is cancelled": "Pending",
  }],
  [(id) => ({ anyOf: [id] }), { "completes": "Pending", "fails": "Pending", "is cancelled": "Pending" }],
  [(id) => ({ anyOf: [id], on: ["COMPLETED"] }), {
    "completes": "Pending",
    "fails": "Skipped",
    "is cancelled": "Skipped",
  }],
];

Deno.test("the end of a group counts for those that wait for it as that of a task", async () => {
  await using bench = await composing();
  for (const [waitFor, wanted] of TABLE) {
    for (const [how, state] of Object.entries(wanted) as [EndOfTask, string][]) {
      for (const order of ["before", "after"]) {
        const made = await aGroup(bench);
        if (order === "after") await end(bench, made, how);
        const id = await waiting(bench, waitFor(made.group));
        if (order === "before") {
          await bench.run(made.members[0]);
          await bench.follow();
          assert.equal(await bench.state(id), "AwaitingDependencies", "one of two has ended");
          await end(bench, { ...made, members: made.members.slice(1) }, how);
        }
        await bench.follow();
        assert.equal(await bench.state(id), state, `${JSON.stringify(waitFor("it"))} ${order} it ${how}`);
      }
    }
  }
});

Deno.test("whoever is cancelled for a group is told which one, and why that failed", async () => {
  await using bench = await composing();
  const made = await aGroup(bench);
  const id = await waiting(bench, [made.group]);
  const other = await waiting(bench, [{ task: made.group, on: ["COMPLETED"] }]);
  await end(bench, made, "fails");
  await bench.follow();
  const { error } = await bench.record(id);
  const failed = `${made.members[1]} (work) ended FAILED: Error: no luck`;
  assert.equal(error?.message, `its upstream, the group ${made.group}, ended FAILED: ${failed}`);
  assert.equal(error?.cause?.message, "no luck");
  const skipped = `its upstream, the group ${made.group}, ended FAILED, and not COMPLETED`;
  assert.equal((await bench.record(other)).error?.message, skipped);
});

for (const mishap of MISHAPS) {
  Deno.test(`it is told of the group's end, whichever commit was ${mishap}`, async () => {
    for (let nth = 0;; nth++) {
      const faulty = new FaultyKv();
      await using bench = await composing({ wrap: faulty.wrap });
      const made = await aGroup(bench);
      await bench.run(made.members[0]);
      faulty.next.push(...Array<Mishap>(nth), mishap);
      const id = await bench.clock.run(waiting(bench, [made.group]));
      await bench.clock.run(bench.run(made.members[1]));
      await bench.clock.run(bench.follow());
      assert.equal(await bench.state(id), "Pending");
      assert.equal(await bench.join(id), null);
      // So many commits there are.
      if (faulty.next.length > 0) break;
    }
  });
}

Deno.test("the process that counts the end need not be the one that submitted those that wait", async () => {
  await using bench = await composing();
  const other = elsewhere(bench);
  const made = await aGroup(bench);
  await bench.run(made.members[0]);
  const id = await waiting(other, [made.group]);
  await bench.run(made.members[1]);
  await other.follow();
  assert.equal(await bench.state(id), "Pending");
});

Deno.test("a retry takes the end of a group without a policy back, for those that wait for it, too", async () => {
  await using bench = await composing();
  const made = await aGroup(bench);
  const id = await waiting(bench, [made.group]);
  const behind = await waiting(bench, [id]);
  await end(bench, made, "fails");
  await bench.follow();
  assert.deepEqual([await bench.state(id), await bench.state(behind)], ["UpstreamFailed", "UpstreamFailed"]);
  await bench.retry(made.members[1]);
  await bench.follow();
  const waits = "AwaitingDependencies";
  assert.deepEqual([await bench.state(id), await bench.state(behind)], [waits, waits]);
  await bench.run(made.members[1]);
  await bench.follow();
  assert.deepEqual([await bench.state(id), await bench.state(behind)], ["Pending", waits]);
});

Deno.test("a group with a policy ends as its policy says", async () => {
  await using bench = await composing();
  const tolerant = await aGroup(bench, 2, { policy: { maxFailures: 1 } });
  const strict = await aGroup(bench, 3, { policy: { onFailure: "cancel-rest" } });
  const ids = [await waiting(bench, [tolerant.group]), await waiting(bench, [strict.group])];
  await end(bench, tolerant, "fails");
  await bench.run(strict.members[0], "fails");
  await bench.follow();
  assert.deepEqual(await Promise.all(ids.map(bench.state)), ["Pending", "UpstreamFailed"]);
  assert.equal((await groupOf(bench, strict.group)).outcome?.type, "FAILED");
});

Deno.test("a group that takes its tasks back has not ended before that is done", async () => {
  await using bench = await composing();
  const compensate = { task: "work" };
  const [done, bad] = await bench.call([{ options: { compensate } }, {}], { group: true });
  const [group] = done.groups;
  const id = await waiting(bench, [{ task: group, on: ["FAILED"] }]);
  await bench.run(done.id);
  await bench.run(bad.id, "fails");
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
  const own = (await groupOf(bench, group)).compensation!.group!;
  const [key] = await bench.left("index").then((all) => all.filter((key) => key.includes(own)));
  await bench.run(key.at(-1) as string);
  await bench.follow();
  assert.equal(await bench.state(id), "Pending");
});

Deno.test("of several groups the first are enough, and the others are cancelled if it is said so", async () => {
  await using bench = await composing();
  const [a, b] = [await aGroup(bench), await aGroup(bench)];
  const id = await waiting(bench, { anyOf: [a.group, b.group], cancelRest: true });
  await end(bench, b, "completes");
  await bench.follow();
  assert.equal(await bench.state(id), "Pending");
  assert.deepEqual(await Promise.all(a.members.map(bench.state)), ["Cancelled", "Cancelled"]);
});

Deno.test("a large call waits for groups, those that have ended and others", async () => {
  await using bench = await composing();
  const [over, open] = [await aGroup(bench), await aGroup(bench)];
  await end(bench, over, "completes");
  const options = { waitFor: [over.group, open.group] };
  const all = await bench.call(Array.from({ length: 1_200 }, () => ({ options })));
  await bench.follow();
  assert.equal(await bench.state(all[0].id), "AwaitingDependencies");
  await end(bench, open, "completes");
  await bench.follow();
  const states = new Set(await Promise.all(all.map(({ id }) => bench.state(id))));
  assert.deepEqual(states, new Set(["Pending"]));
});

Deno.test("a task waits for a hundred groups at the most", async () => {
  await using bench = await composing();
  const groups: string[] = [];
  for (let n = 0; n < 101; n++) groups.push((await aGroup(bench, 1)).group);
  const refused = {
    errors: [{ pointer: "/tasks/0/options/waitFor", message: /at most 100 groups \(got 101\)/ }],
  };
  await assert.rejects(
    waiting(bench, groups),
    (error: ValidationError) => {
      const [{ pointer, message }] = error.faults;
      assert.equal(pointer, refused.errors[0].pointer);
      assert.match(message, refused.errors[0].message);
      return true;
    },
  );
  const id = await waiting(bench, groups.slice(1));
  assert.equal((await bench.record(id)).deps!.groups!.length, 100);
});

Deno.test("a group that is not there, or that the caller may not know, looks like a task that is not", async () => {
  await using bench = await composing();
  const made = await aGroup(bench);
  const [{ groups: [gpu] }] = await bench.call([{}, { options: { queue: "gpu" } }], { group: true });
  const [nothing] = ownIds(1);
  const messageFor = async (id: string, who: Partial<Caller> = {}) => {
    const call = bench.call([{ options: { waitFor: [id] } }], { caller: { ...ANYBODY, ...who } });
    const { faults: [{ pointer, message }] } = await call.then(
      () => assert.fail("it was taken"),
      (error: ValidationError) => error,
    );
    return `${pointer}: ${message.replace(id, "ID")}`;
  };
  const wanted = await messageFor(nothing);
  assert.match(wanted, /^\/tasks\/0\/options\/waitFor\/0: .*ID/);
  assert.equal(await messageFor(made.group, { tenant: "acme" }), wanted);
  assert.equal(await messageFor(gpu, { patterns: ["queue:default"] }), wanted);
  const id = await waiting(bench, [gpu]);
  assert.equal(await bench.state(id), "AwaitingDependencies");
});

Deno.test("a task that joins a group waits neither for that group nor for who waits for it", async () => {
  await using bench = await composing();
  const made = await aGroup(bench);
  const [first] = made.members;
  const behind = await waiting(bench, [made.group]);
  const [farther] = await bench.call([{ options: { waitFor: [behind] } }], { group: true });
  const joins = { group: made.group, hasLimit: false };
  const joining = (waitFor: WaitFor) => bench.call([{ parentId: first, joins, options: { waitFor } }]);
  for (
    const [waitFor, part] of [
      [[made.group], "/0"],
      [[first, behind], "/1"],
      [[{ task: farther.groups[0], optional: true }], "/0/task"],
      [{ anyOf: [farther.id] }, "/anyOf/0"],
    ] as [WaitFor, string][]
  ) {
    await assert.rejects(joining(waitFor), (error: ValidationError) => {
      const [{ pointer, message }] = error.faults;
      assert.equal(pointer, `/tasks/0/options/waitFor${part}`);
      assert.match(message, new RegExp(`it ends only after this task, .*${made.group}$`));
      return true;
    });
  }
  const other = await aGroup(bench);
  const [joined]: TaskRecord[] = await joining([other.group, first]);
  assert.equal(await bench.state(joined.id), "AwaitingDependencies");
});

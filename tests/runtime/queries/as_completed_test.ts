import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type CompletionQuery, Completions } from "../../../runtime/queries/as_completed.ts";
import type { CompletionEvent, CompletionOptions } from "../../../runtime/queries/completion_events.ts";
import { ForgottenError, NotFoundError, ValidationError } from "../../../runtime/core/errors.ts";
import { eventsOfPastEnd } from "../../../runtime/store/event_log.ts";
import { createGroup } from "../../../runtime/commands/group_commands.ts";
import { Groups } from "../../../runtime/queries/groups.ts";
import { Notifier } from "../../../runtime/queries/notifier.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled, retried } from "../../../runtime/core/transitions.ts";
import { aBench, type Bench, type BenchOptions, onEachBackend } from "../../support/builders.ts";
import { ExpiringKv } from "../../support/expiring_kv.ts";
import { turn } from "../../support/waiting.ts";

async function aStream(path?: string, wrap?: BenchOptions["wrap"]) {
  const bench = await aBench({ path, wrap });
  const notifier = new Notifier(bench.store);
  bench.store.subscribe({ applied: (entry) => notifier.publish(entry) });
  const groups = new Groups(bench.store);
  const completions = new Completions(bench.store, notifier, groups);
  const open = async (query: CompletionQuery, options: Partial<CompletionOptions> = {}) => {
    return await completions.open(query, { timeoutMs: 0, ...options });
  };
  return { bench, notifier, groups, open, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

const end = (bench: Bench, id: string) =>
  bench.store.update("settle", id, ({ record }) => {
    return { next: cancelled(record as TaskRecord, bench.clock.now(), null) };
  });

const retry = (bench: Bench, id: string) =>
  bench.store.update("settle", id, ({ record: stored }) => {
    const record = stored as TaskRecord;
    return { next: retried(record, bench.clock.now(), record.input), events: eventsOfPastEnd(record) };
  });

const forget = (bench: Bench, id: string) =>
  bench.store.update("settle", id, ({ record: { rev } }) => ({ next: { id, op: "", rev, forgottenAt: 1 } }));

async function submit(bench: Bench, count: number, patch: Partial<TaskRecord> = {}): Promise<string[]> {
  const entries = await bench.submit(...Array(count).fill(patch));
  return entries.map(({ record }) => record.id);
}

type Stream = AsyncGenerator<CompletionEvent> | null;

const all = async (stream: Stream) => await Array.fromAsync(stream!);
const idsOf = (events: CompletionEvent[]) => events.flatMap((event) => event.kind === "task" ? event.id : []);
const last = (events: CompletionEvent[]) => events[events.length - 1];

Deno.test("an open stream of tasks without a timeout has no timer of its own", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 2);
  const timers = bench.clock.timers;
  const stream = all(await open({ ids }, { timeoutMs: null }));
  await turn();
  assert.equal(bench.clock.timers, timers);
  bench.clock.advance(10 * 60_000);
  for (const id of ids) await end(bench, id);
  assert.deepEqual(idsOf(await stream), ids);
});

onEachBackend("tasks come in the order in which they ended, each once, then the end", async (path) => {
  await using setup = await aStream(path);
  const { bench, notifier, open } = setup;
  const ids = await submit(bench, 4);
  for (const i of [2, 0]) await end(bench, ids[i]);
  const stream = all(await open({ ids: [...ids, ids[0]] }, { timeoutMs: null }));
  await turn();
  for (const i of [3, 1]) await end(bench, ids[i]);
  const events = await stream;
  assert.deepEqual(idsOf(events), [2, 0, 3, 1].map((i) => ids[i]));
  const { kind, ...counts } = last(events) as Extract<CompletionEvent, { kind: "end" }>;
  assert.deepEqual([kind, counts.total, counts.yielded], ["end", 4, 4]);
  assert.equal(notifier.watched, 0);
});

Deno.test("a timeout names what has not ended", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 3);
  await end(bench, ids[1]);
  const events = await all(await open({ ids }));
  const { kind, total, unfinished, pending } = last(events) as Extract<CompletionEvent, { kind: "timeout" }>;
  assert.deepEqual([kind, total, unfinished, pending], ["timeout", 3, 2, [ids[0], ids[2]]]);
});

Deno.test("from every event's cursor a stream goes on with exactly what is left", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 9, { tags: ["t"] });
  const { id: groupId } = await createGroup(bench.store, groups, ids);
  for (const id of ids) await end(bench, id);
  for (const query of [{ ids }, { groupId }, { tag: "t" }]) {
    const events = await all(await open(query));
    assert.equal(idsOf(events).length, 9);
    for (const [i, { kind, cursor }] of events.entries()) {
      const rest = await open(query, { cursor });
      if (kind === "end") assert.equal(rest, null);
      else {assert.deepEqual(
          (await all(rest)).map(({ cursor }) => cursor),
          events.slice(i + 1).map(({ cursor }) => cursor),
        );}
    }
  }
});

Deno.test("the deadline comes on time when the wall clock is set back or forward, also for a reconnect", async () => {
  for (const jumpMs of [-3_600_000, 3_600_000]) {
    await using setup = await aStream();
    const { bench: { clock }, bench, open } = setup;
    const [ended, waits] = await submit(bench, 2);
    await end(bench, ended);
    const stream = (await open({ ids: [ended, waits] }, { timeoutMs: 1_000 }))!;
    const { value: first } = await stream.next();
    clock.advance(400);
    clock.jump(jumpMs);
    const next = stream.next();
    await turn();
    clock.advance(599);
    await turn();
    let isOver = false;
    void next.then(() => isOver = true);
    await turn();
    assert.equal(isOver, false, "not early");
    clock.advance(1);
    assert.equal((await next).value.kind, "timeout");
    // How long the connection was away is unknown, but no longer than the whole time.
    if (jumpMs > 0) continue;
    const again = all(await open({ ids: [ended, waits] }, { timeoutMs: 1_000, cursor: first.cursor }));
    await turn();
    clock.advance(1_000);
    assert.equal(last(await again).kind, "timeout");
  }
});

Deno.test("the deadline counts from the first connection, and anew after a timeout", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 2);
  await end(bench, ids[0]);
  const first = (await open({ ids }, { timeoutMs: 1_000 }))!;
  const { value } = await first.next();
  await first.return(undefined);
  bench.clock.advance(1_000);
  const [timeout] = await all(await open({ ids }, { timeoutMs: 1_000, cursor: value.cursor }));
  assert.equal(timeout.kind, "timeout");
  const again = (await open({ ids }, { timeoutMs: 1_000, cursor: timeout.cursor }))!;
  const next = again.next();
  await turn();
  await end(bench, ids[1]);
  assert.equal((await next).value.id, ids[1]);
  await again.return(undefined);
});

Deno.test("a cursor of 1000 ids fits a header", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 1_000);
  for (const i of [0, 7, 8, 999]) await end(bench, ids[i]);
  const events = await all(await open({ ids }));
  const { cursor } = last(events);
  assert.ok(cursor.length < 250, `${cursor.length} characters`);
  await end(bench, ids[500]);
  assert.deepEqual(idsOf(await all(await open({ ids }, { cursor }))), [ids[500]]);
});

Deno.test("cursors that do not fit the query are refused", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 2, { tags: ["t"] });
  const { id: groupId } = await createGroup(bench.store, groups, ids);
  const other = await createGroup(bench.store, groups, [ids[0]]);
  const cursorOf = async (query: CompletionQuery) => last(await all(await open(query))).cursor;
  const cursor = await cursorOf({ ids });
  const [prefix, of, at] = cursor.split(".");
  for (
    const [query, wrong] of [
      [{ ids }, "nonsense"],
      [{ ids }, await cursorOf({ groupId })],
      [{ ids: [ids[1], ids[0]] }, cursor],
      [{ ids }, `${prefix}.${of}.${at}.AAAAAAAA`],
      [{ ids }, `${prefix}.${of}.${at}.~~~`],
      [{ groupId: other.id }, await cursorOf({ groupId })],
      [{ groupId }, `g.${groupId}.${at}.x_y`],
      [{ tag: "t" }, cursor],
    ] as [CompletionQuery, string][]
  ) {
    const result = (async () => await all(await open(query, { cursor: wrong })))();
    await assert.rejects(result, ValidationError, `${JSON.stringify(query)} ${wrong}`);
  }
});

Deno.test("a stream by tag goes on over the very tasks that it began with", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 2, { tags: ["t"] });
  await end(bench, ids[0]);
  const { cursor } = last(await all(await open({ tag: "t" })));
  await submit(bench, 1, { tags: ["t"] });
  await end(bench, ids[1]);
  const events = await all(await open({ tag: "t" }, { cursor }));
  assert.deepEqual(idsOf(events), [ids[1]]);
  assert.equal(last(events).kind, "end");
});

Deno.test("a stream by tag tells of a task that goes while it begins, and does not break off", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 2, { tags: ["t"] });
  for (const id of ids) await end(bench, id);
  const { readMany } = bench.store;
  bench.store.readMany = async (...args) => {
    const found = await readMany.apply(bench.store, args);
    bench.store.readMany = readMany;
    await forget(bench, ids[0]);
    return found;
  };
  const events = await all(await open({ tag: "t" }));
  assert.deepEqual([idsOf(events).sort(), last(events).kind], [ids, "end"]);
});

Deno.test("a stream by tag can be gone on with while it is read, however long, and for a day after that", async () => {
  const expiring = new ExpiringKv();
  await using setup = await aStream(undefined, expiring.wrap);
  const { bench, open } = setup;
  expiring.clock = bench.clock;
  const ids = await submit(bench, 3, { tags: ["t"] });
  await end(bench, ids[0]);
  const hours = async (count: number) => {
    for (let n = 0; n < count; n++) {
      bench.clock.advance(3_600_000);
      // What a reader writes each hour is written, however slow the machine is.
      for (let turns = 0; turns < 3; turns++) {
        await turn();
        await bench.kv.idle();
      }
      await expiring.expire();
    }
  };
  const gone = new AbortController();
  const stream = (await open({ tag: "t" }, { timeoutMs: null, signal: gone.signal }))!;
  const { value: { cursor } } = await stream.next();
  const next = stream.next();
  await hours(60);
  gone.abort();
  assert.equal((await next).done, true);
  for (const id of [ids[1], ids[2]]) {
    await hours(20);
    // Each that goes on keeps it for another day.
    const first = (await open({ tag: "t" }, { timeoutMs: null, cursor }))!;
    if (id === ids[1]) await end(bench, id);
    assert.equal((await first.next()).value.id, ids[1]);
    await first.return(undefined);
  }
  await hours(26);
  await assert.rejects(open({ tag: "t" }, { cursor }), ValidationError);
});

/** Bytes of all that is kept of streams by tag, and how many views that is. */
async function viewsOf({ store }: Bench): Promise<{ count: number; bytes: number }> {
  const kept = await store.kv.list<{ ids: Uint8Array }>({ prefix: ["view"] }, { limit: 1_000 });
  return { count: kept.length, bytes: kept.reduce((sum, { value }) => sum + value.ids.byteLength, 0) };
}

Deno.test("reading by tag stores nothing before there is something to go on behind", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 3, { tags: ["t"] });
  const gone = new AbortController();
  const opened = (await open({ tag: "t" }, { timeoutMs: null, signal: gone.signal }))!;
  const next = opened.next();
  for (let n = 0; n < 20; n++) await (await open({ tag: "t" }, { timeoutMs: null }))!.return(undefined);
  assert.equal(last(await all(await open({ tag: "nobody" }))).kind, "end");
  assert.deepEqual(await viewsOf(bench), { count: 0, bytes: 0 });
  await end(bench, ids[0]);
  assert.equal((await next).value.id, ids[0]);
  assert.equal((await viewsOf(bench)).count, 1);
  gone.abort();
  await opened.return(undefined);
});

Deno.test("however often the same tasks are read by their tag, their ids are kept once, 16 bytes each", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 9, { tags: ["t", "u"] });
  await end(bench, ids[0]);
  const cursors = new Set<string>();
  for (let n = 0; n < 20; n++) cursors.add(last(await all(await open({ tag: "t" }))).cursor.split(".")[1]);
  assert.equal(cursors.size, 1);
  assert.deepEqual(await viewsOf(bench), { count: 1, bytes: 9 * 16 });
  await all(await open({ tag: "u" }));
  assert.equal((await viewsOf(bench)).count, 2, "of another tag it is another view");
});

Deno.test("a place that no stream of a group has given is refused before the answer begins", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const { id } = await createGroup(bench.store, groups, await submit(bench, 2));
  for (const place of ["x", "1", "1_2_3", "_", "1_2~", "~1", `${"9".repeat(16)}_1`]) {
    await assert.rejects(open({ groupId: id }, { cursor: `g.${id}.0.${place}` }), ValidationError, place);
  }
});

Deno.test("a task or group that is not there is refused at the start", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const [id] = await submit(bench, 1);
  await assert.rejects(open({ ids: [id, bench.ids.id()] }), NotFoundError);
  await assert.rejects(open({ groupId: bench.ids.id() }), NotFoundError);
  await end(bench, id);
  await forget(bench, id);
  await assert.rejects(open({ ids: [id] }), ForgottenError);
});

Deno.test("a task that is forgotten before it was delivered is told as gone", async () => {
  await using setup = await aStream();
  const { bench, open } = setup;
  const ids = await submit(bench, 2);
  const { cursor } = last(await all(await open({ ids })));
  for (const id of ids) await end(bench, id);
  await forget(bench, ids[0]);
  const events = await all(await open({ ids }, { cursor }));
  const gone = events.find((event) => event.kind === "task" && event.id === ids[0]);
  assert.equal((gone as { entry: unknown }).entry, null);
  assert.equal(last(events).kind, "end");
});

Deno.test("a group of ended tasks is done at once; a stream of it ends", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 3);
  for (const id of ids) await end(bench, id);
  const { id: groupId, done } = await createGroup(bench.store, groups, ids);
  assert.equal(done, 3);
  assert.equal(last(await all(await open({ groupId }))).kind, "end");
});

Deno.test("a group over many pages of its log is delivered whole", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 450);
  const { id: groupId } = await createGroup(bench.store, groups, ids);
  await Promise.all(ids.map((id) => end(bench, id)));
  const events = await all(await open({ groupId }));
  assert.deepEqual(idsOf(events).sort(), ids);
  assert.equal((last(events) as { yielded: number }).yielded, 450);
});

Deno.test("a retried task of a group comes once, whenever the stream looks", async () => {
  for (const opened of ["before", "while it is retried", "after"]) {
    await using setup = await aStream();
    const { bench, groups, open } = setup;
    const ids = await submit(bench, 2);
    const { id: groupId } = await createGroup(bench.store, groups, ids);
    const stream = async () => all(await open({ groupId }, { timeoutMs: null }));
    let events: Promise<CompletionEvent[]> | undefined;
    if (opened === "before") events = stream();
    await turn();
    await end(bench, ids[0]);
    await turn();
    await retry(bench, ids[0]);
    if (opened === "while it is retried") events = stream();
    await turn();
    await end(bench, ids[0]);
    await end(bench, ids[1]);
    events ??= stream();
    await bench.clock.run(events);
    assert.deepEqual(idsOf(await events).sort(), ids, opened);
    assert.equal((last(await events) as { yielded: number }).yielded, 2, opened);
  }
});

Deno.test("a cursor that remembers many tasks being retried can be gone on from", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 121);
  const { id: groupId } = await createGroup(bench.store, groups, ids);
  const many = ids.slice(1);
  await Promise.all(many.map((id) => end(bench, id)));
  await Promise.all(many.map((id) => retry(bench, id)));
  await end(bench, ids[0]);
  const { cursor } = last(await all(await open({ groupId })));
  await Promise.all(many.map((id) => end(bench, id)));
  const events = await all(await open({ groupId }, { cursor }));
  assert.deepEqual(idsOf(events).sort(), many);
});

Deno.test("a group whose task is forgotten before it was delivered still ends", async () => {
  await using setup = await aStream();
  const { bench, groups, open } = setup;
  const ids = await submit(bench, 2);
  const { id: groupId } = await createGroup(bench.store, groups, ids);
  for (const id of ids) await end(bench, id);
  await forget(bench, ids[0]);
  const events = await all(await open({ groupId }));
  assert.deepEqual(idsOf(events), ids);
  assert.equal(last(events).kind, "end");
});

Deno.test("a caller that goes ends the stream without an end", async () => {
  await using setup = await aStream();
  const { bench, notifier, open } = setup;
  const ids = await submit(bench, 2);
  const gone = new AbortController();
  const stream = all(await open({ ids }, { timeoutMs: null, signal: gone.signal }));
  await turn();
  gone.abort();
  assert.deepEqual(await stream, []);
  assert.equal(notifier.watched, 0);
  assert.equal(bench.clock.timers, 0);
});

Deno.test("a stream that is opened and never read stops watching when its caller goes", async () => {
  await using setup = await aStream();
  const { bench, notifier, open } = setup;
  const ids = await submit(bench, 2);
  const gone = new AbortController();
  await open({ ids }, { signal: gone.signal });
  assert.equal(notifier.watched, 2);
  gone.abort();
  assert.equal(notifier.watched, 0);
});

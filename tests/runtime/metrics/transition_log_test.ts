import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ANYBODY } from "../../../runtime/core/caller.ts";
import { ENTRIES_KEPT, TransitionLog, WANTED_MS } from "../../../runtime/metrics/transition_log.ts";
import { type TransitionEvent, transitions } from "../../../runtime/metrics/transition_reader.ts";
import { silentLog } from "../../../runtime/platform/log.ts";
import { aBench, type Bench } from "../../support/builders.ts";
import { eventually } from "../../support/waiting.ts";

function aProcess({ store }: Bench): TransitionLog {
  return new TransitionLog(store, silentLog);
}

async function submitIn(bench: Bench, log: TransitionLog, many = 1): Promise<string[]> {
  const stop = bench.store.subscribe(log);
  const entries = await bench.submit(...Array.from({ length: many }, () => ({})));
  stop();
  // What is buffered is written soon.
  bench.clock.advance(1_000);
  return entries.map(({ record }) => record.id);
}

/** Reads until there is an event that fits. */
async function read(
  bench: Bench,
  log: TransitionLog,
  after: string | undefined,
  isLast: (events: TransitionEvent[]) => boolean,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<TransitionEvent[]> {
  const abort = new AbortController();
  const stream = await transitions(bench.store, log, ANYBODY, { after }, abort.signal);
  const events: TransitionEvent[] = [];
  const reading = (async () => {
    for await (const page of stream) {
      events.push(...page);
      if (isLast(events)) break;
    }
  })();
  await meanwhile();
  let isOver = false;
  reading.then(() => isOver = true, () => isOver = true);
  await eventually(() => {
    bench.clock.advance(300);
    return Promise.resolve(isOver);
  }, "the stream goes on");
  await reading;
  return events;
}

const kinds = (events: TransitionEvent[]) => events.map(({ kind }) => kind);
const told = (many: number) => (events: TransitionEvent[]) =>
  events.filter(({ kind }) => kind === "transition").length >= many;

Deno.test("processes write one log, and each reader has what all of them have done, once", async () => {
  await using bench = await aBench();
  const [a, b] = [aProcess(bench), aProcess(bench)];
  const events = await read(bench, a, undefined, told(6), async () => {
    await b.look();
    await submitIn(bench, a, 2);
    await submitIn(bench, b, 2);
    await submitIn(bench, a, 2);
  });
  assert.deepEqual(kinds(events), Array.from({ length: 6 }, () => "transition"));
  const again = await read(bench, b, events[1].place, told(4));
  assert.deepEqual(again, events.slice(2));
});

Deno.test("a reader who comes back when nobody had read for long learns of a gap", async () => {
  await using bench = await aBench();
  const log = aProcess(bench);
  const [first] = await read(bench, log, undefined, told(1), () => submitIn(bench, log));
  bench.clock.advance(WANTED_MS);
  await log.look();
  const head = await log.head();
  await submitIn(bench, log);
  assert.equal(await log.head(), head, "it is written, and nobody reads");
  const events = await read(bench, log, first.place, told(1), () => submitIn(bench, log));
  assert.deepEqual(kinds(events), ["gap", "transition"]);
});

Deno.test("the log keeps its newest entries only, and what was dropped is a gap", async () => {
  await using bench = await aBench();
  const log = aProcess(bench);
  await log.want();
  for (let n = 0; n < 4; n++) await submitIn(bench, log);
  await eventually(async () => await log.head() === 5, "it is not written");
  const { kv } = bench;
  await kv.writeBlind([{ key: ["transitions-head"], value: ENTRIES_KEPT + 3 }], 0);
  const other = aProcess(bench);
  await other.want();
  await submitIn(bench, other);
  await eventually(async () => await other.head() === ENTRIES_KEPT + 4, "it is not written");
  const left = await kv.list({ prefix: ["transitions"] }, { limit: 10 });
  assert.ok(!left.some(({ key }) => key[1] === 4));
  const events = await read(bench, other, "4-0", (events) => events.length > 0);
  assert.equal(events[0].kind, "gap");
});

Deno.test("a commit of unknown outcome is not repeated: what it held is a gap", async () => {
  await using bench = await aBench();
  const log = aProcess(bench);
  const { kv } = bench;
  const { commit } = kv;
  const events = await read(bench, log, undefined, told(1), async () => {
    const stop = bench.store.subscribe(log);
    await bench.submit({});
    stop();
    let tries = 0;
    kv.commit = () => {
      tries++;
      return Promise.reject(new Error("away"));
    };
    bench.clock.advance(1_000);
    await eventually(() => Promise.resolve(tries > 0), "it is not written");
    kv.commit = commit;
    await submitIn(bench, log);
  });
  assert.deepEqual(kinds(events), ["gap", "transition"]);
});

Deno.test("a reader that has read beyond the last look at the log's end takes nothing for a gap", async () => {
  await using bench = await aBench();
  const [a, b] = [aProcess(bench), aProcess(bench)];
  const { kv } = bench;
  const { list } = kv;
  let isFirst = true;
  kv.list = async (...args) => {
    // Between the look and the read there is another entry.
    if (isFirst && (args[0] as { prefix?: Deno.KvKey }).prefix?.[0] === "transitions") {
      isFirst = false;
      await submitIn(bench, a);
      await eventually(async () => await a.head() === 3, "it is not written");
    }
    return await list.apply(kv, args) as never;
  };
  await a.want();
  await submitIn(bench, a);
  await eventually(async () => await a.head() === 2, "it is not written");
  const events = await read(bench, b, "2-0", told(3), async () => {
    await eventually(() => Promise.resolve(!isFirst), "nothing is read");
    await submitIn(bench, a);
  });
  assert.deepEqual(kinds(events), ["transition", "transition", "transition"]);
});

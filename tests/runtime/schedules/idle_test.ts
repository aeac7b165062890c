import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ANYBODY } from "../../../runtime/core/caller.ts";
import { createRuntime } from "../../../runtime/mod.ts";
import { makeIds } from "../../../runtime/platform/ids.ts";
import { entryOf, writesOf } from "../../../runtime/schedules/record.ts";
import { keys, seeded } from "../../support/builders.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { openPatientKv } from "../../support/patient_kv.ts";
import { work } from "../../support/scheduling.ts";
import { turn } from "../../support/waiting.ts";

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
const STEP_MS = 1_000;
const PER_WRITE = 500;

/** Calls of the database, and entries that it gave or got, by what was called. */
type Work = Record<string, number>;

/** What a service does in so many minutes in which one schedule fires each minute, and `others` do not. */
async function workIn(minutes: number, others: number): Promise<Work> {
  const kv = await openPatientKv(":memory:");
  const done: Work = {};
  const count = (what: string, by: number) => done[what] = (done[what] ?? 0) + by;
  let calls = 0;
  const counted = <Args extends unknown[], Answer>(
    name: string,
    call: (...args: Args) => Promise<Answer>,
  ) => {
    return async (...args: Args): Promise<Answer> => {
      calls++;
      count(name, 1);
      const answer = await call(...args);
      if (Array.isArray(answer)) count(`entries of ${name}`, answer.length);
      return answer;
    };
  };
  const clock = new ManualClock();
  const runtime = await createRuntime({
    kv,
    clock,
    ids: makeIds(clock, seeded()),
    definitions: [work],
    runsTasks: false,
    repairMs: YEAR_MS,
    doorbells: { queue: false, watch: false },
  });
  const { schedules } = runtime.for(ANYBODY);
  await schedules.put("fires", { task: "work", spec: [{ everyMs: MINUTE_MS }], overlap: "allow-all" });
  await schedules.put("rests", {
    task: "work",
    spec: [{ at: new Date(clock.now() + YEAR_MS).toISOString() }],
  });
  const { record } = entryOf(await kv.get<Uint8Array>(keys.schedule("rests", "")))!;
  for (let n = 0; n < others; n += PER_WRITE) {
    const copies = Array.from({ length: PER_WRITE }, (_, i) => ({ ...record, name: `rests-${n + i}` }));
    await kv.writeBlind(copies.flatMap((copy) => writesOf(null, copy)), 0);
  }
  const settled = async () => {
    for (let before = -1; before !== calls;) {
      before = calls;
      await kv.idle();
      for (let turns = 0; turns < 2; turns++) await turn();
    }
  };
  await clock.run(runtime.start());
  await settled();
  kv.get = counted("get", kv.get.bind(kv)) as typeof kv.get;
  kv.getMany = counted("getMany", kv.getMany.bind(kv)) as typeof kv.getMany;
  kv.list = counted("list", kv.list.bind(kv)) as typeof kv.list;
  kv.commit = counted("commit", kv.commit.bind(kv)) as typeof kv.commit;
  for (let ms = 0; ms < minutes * MINUTE_MS; ms += STEP_MS) {
    clock.advance(STEP_MS);
    await settled();
  }
  const told = { ...done, fired: (await schedules.get("fires")).record.fired };
  await clock.run(runtime.stop(0));
  await kv.close();
  return told;
}

Deno.test("10,000 schedules cost a service nothing but their firings: no call and no entry more", async () => {
  const few = await workIn(2, 0);
  assert.deepEqual([few.fired, few.commit > 0, few.list > 0], [2, true, true]);
  assert.deepEqual(await workIn(2, 10_000), few);
});

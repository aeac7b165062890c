import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { FakeDatabase, FakeKv } from "./fake_kv.ts";
import type { Faults } from "./faults.ts";
import { Random } from "../support/random.ts";
import { Scheduler } from "./scheduler.ts";
import { Wire } from "./wire.ts";

const TASK = ["task", "t"];

/** A commit that makes a task reaches KV a second time when its process goes on, after so long. */
async function repeatedAfter(pausedMs: number, meanwhile: (kv: FakeKv) => void): Promise<boolean> {
  const scheduler = new Scheduler();
  const database = new FakeDatabase();
  const process = { dead: false, pausedUntil: 0, crash() {}, note() {} };
  // Whether what a process has sent stops with it is drawn: here it does.
  const random = Object.assign(new Random(1), { chance: (probability: number) => probability >= 0.5 });
  const faults = { twice: 1, outage: null } as unknown as Faults;
  const wire = new Wire(scheduler, random, () => faults, process, () => 0, (commit) => {
    return database.isForgotten(commit);
  });
  const kv = new FakeKv(database, wire);
  let applied = 0;
  database.onApplied = () => {
    if (++applied > 1) return;
    process.pausedUntil = scheduler.now + pausedMs;
    scheduler.after(pausedMs / 2, () => meanwhile(kv));
  };
  const commit = kv.atomic().check({ key: TASK, versionstamp: null }).set(TASK, "made", { expireIn: 1 })
    .commit();
  await scheduler.run(() => false, 10 * 60_000);
  assert.equal((await commit).ok, true);
  return applied > 1;
}

const removesIt = ({ database }: FakeKv) => {
  database.expire(Infinity);
};

Deno.test("a commit comes again while it can be known, and not when all that it has made is forgotten", async () => {
  assert.equal(await repeatedAfter(50_000, removesIt), true, "within a minute");
  assert.equal(await repeatedAfter(70_000, removesIt), false, "later");
});

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { type Kv, KvPort } from "../../../runtime/platform/kv.ts";
import { Readiness } from "../../../runtime/platform/readiness.ts";
import { ManualClock } from "../../support/manual_clock.ts";

/** A database that answers reads, and takes writes as long as the disk has room. */
async function aDatabase() {
  const kv = await Deno.openKv(":memory:");
  const disk = { isFull: false, writes: 0 };
  const full = new Proxy(kv, {
    get(target, name) {
      if (name !== "atomic") return Reflect.get(target, name).bind(target);
      return () => {
        const atomic = target.atomic();
        const { commit } = atomic;
        atomic.commit = () => {
          disk.writes++;
          return disk.isFull
            ? Promise.reject(new TypeError("database or disk is full"))
            : commit.call(atomic) as Promise<Deno.KvCommitResult>;
        };
        return atomic;
      };
    },
  });
  const clock = new ManualClock();
  const readiness = new Readiness(new KvPort(full as unknown as Kv), clock);
  return { disk, clock, readiness, [Symbol.dispose]: () => kv.close() };
}

Deno.test("a database is ready as long as it takes writes, whatever it reads", async () => {
  using database = await aDatabase();
  const { disk, clock, readiness } = database;
  await readiness.check();
  disk.isFull = true;
  clock.advance(1_000);
  await assert.rejects(readiness.check(), UnavailableError);
  disk.isFull = false;
  clock.advance(1_000);
  await readiness.check();
});

Deno.test("however many ask, it is written to once a second", async () => {
  using database = await aDatabase();
  const { disk, clock, readiness } = database;
  await Promise.all(Array.from({ length: 100 }, () => readiness.check()));
  assert.equal(disk.writes, 1);
  clock.advance(999);
  await readiness.check();
  assert.equal(disk.writes, 1);
  clock.advance(1);
  await Promise.all([readiness.check(), readiness.check()]);
  assert.equal(disk.writes, 2);
});

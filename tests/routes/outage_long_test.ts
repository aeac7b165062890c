// The database is away for a while: callers are told, and nothing is lost.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import type { Clock } from "../../runtime/platform/clock.ts";
import { systemClock } from "../../runtime/platform/clock.ts";
import { KvPort } from "../../runtime/platform/kv.ts";
import { aService, assertProblem } from "../support/service.ts";
import { pause } from "../support/waiting.ts";

/** A real database that answers nothing while it is away, as one on a disk or a network that fails. */
class AwayKv {
  isAway = false;

  wrap(kv: Deno.Kv): Deno.Kv {
    return new Proxy(kv, {
      get: (target, name) => {
        // deno-lint-ignore no-explicit-any
        const value = (target as any)[name];
        if (typeof value !== "function") return value;
        if (name === "atomic") return () => this.#atomic(target.atomic());
        if (name === "close" || name === "listenQueue") return value.bind(target);
        if (name === "list") {
          return (...args: unknown[]) => {
            this.#answer();
            return value.apply(target, args);
          };
        }
        // As a real one fails: by its promise.
        return async (...args: unknown[]) => {
          this.#answer();
          return await value.apply(target, args);
        };
      },
    });
  }

  #atomic(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const commit = atomic.commit.bind(atomic);
    // deno-lint-ignore require-await -- it fails as a commit does, by its promise
    atomic.commit = async () => {
      this.#answer();
      return commit();
    };
    return atomic;
  }

  #answer(): void {
    if (this.isAway) throw new TypeError("disk I/O error");
  }
}

/** Time that passes twenty times as fast, so that minutes can be waited for. */
const FACTOR = 20;
const quick: Clock = {
  now: () => Math.floor(1_700_000_000_000 + performance.now() * FACTOR),
  monotonic: () => performance.now() * FACTOR,
  timer: (fn, ms) => systemClock.timer(fn, ms / FACTOR),
};

Deno.test("with the database away for two minutes submits are 503, and what was accepted or runs is not lost", async () => {
  const away = new AwayKv();
  const kv = new KvPort(away.wrap(await Deno.openKv(":memory:")));
  const gate = Promise.withResolvers<void>();
  const held = define({ name: "held", input: z.object({ value: z.string() }) }, async ({ input }) => {
    await gate.promise;
    return input.value;
  }) as AnyDefinition;
  await using service = await aService({
    kv,
    definitions: [held],
    clock: quick,
    mayLogErrors: true,
    concurrency: 4,
    sweepMs: 2_000,
    repairMs: 5_000,
  });
  const running = await service.submit("held", { value: "kept in memory" });
  const failing = await service.submit("fail", { message: "kept too" });
  await service.ended(failing.id);
  await service.until(running.id, "RUNNING");
  // Too large for its record: it must be stored before its task can end, and by then the database is away.
  const large = await service.submit("held", { value: "x".repeat(100_000) });
  await service.until(large.id, "RUNNING");
  const late = await service.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 });
  away.isAway = true;
  gate.resolve();
  const answers = await Promise.all(
    [1, 2, 3].map((i) => service.post("/v1/tasks", { task: "echo", input: { value: i } })),
  );
  for (const answer of answers) {
    assertProblem(answer, 503, "unavailable");
    assert.equal(answer.headers.get("retry-after"), "2");
  }
  assertProblem(await service.get("/readyz"), 503, "unavailable");
  assert.equal((await service.get("/healthz")).status, 200);
  await pause(120_000 / FACTOR - 1_000);
  away.isAway = false;
  const ended = await service.ended(running.id);
  assert.deepEqual([ended.state.type, ended.result, ended.attempt], ["COMPLETED", "kept in memory", 1]);
  const whole = await service.ended(large.id);
  assert.deepEqual([whole.state.type, whole.result?.length, whole.attempt], ["COMPLETED", 100_000, 1]);
  assert.equal((await service.ended(late.id)).result, 3);
  assert.equal(await (await service.run("add", { a: 2, b: 2 })).result, 4);
  // What was refused was not stored: the list has what was answered with 202, and no more.
  assert.equal((await service.get("/v1/tasks?task=echo")).body.tasks.length, 0);
  assert.ok(service.errors.some((error) => error.includes("could not be written")), "nobody was told");
});

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { needed } from "../support/denokv.ts";
import { trial, type TrialOptions } from "../deploy/trial.ts";

/** A small form of `deno task deploy:trial`. */
const SMALL: TrialOptions = {
  tasks: 600,
  long: 20,
  longMs: 8_000,
  bursts: 2,
  pauseMs: 7_000,
  idleMs: [3_000, 4_000],
  minuteMs: 6_000,
  mostInstances: 2,
  fullAt: 2,
  concurrency: 20,
  evictEveryMs: 9_000,
  withinMs: 300_000,
};

/** With minutes of 6 s. With real ones the engine closes between two crons. */
const MOST_CRONS = 10;

async function assertAllEnd(options: Partial<TrialOptions>): Promise<void> {
  const story: string[] = [];
  const report = await trial({ ...SMALL, ...options, note: (what) => story.push(what) });
  const told = () => `${JSON.stringify(report, null, 1)}\n${story.join("\n")}`;
  assert.deepEqual([report.missing, report.unended], [0, 0], told());
  assert.deepEqual(report.ended, { COMPLETED: SMALL.tasks }, told());
  assert.deepEqual(report.wokenFor, [], told());
  assert.ok(report.cronsUntilRest <= MOST_CRONS, told());
}

Deno.test({
  ...needed("on a platform that ends instances at will all tasks end, and then no cron wakes the app"),
  fn: () => assertAllEnd({}),
});

Deno.test({
  ...needed(
    "on a platform that answers 508 to the app's requests to itself all tasks end with nobody waiting",
  ),
  // The long tasks outlast several minutes of the platform.
  fn: () =>
    assertAllEnd({
      refusesItself: true,
      cronKeepsAlive: true,
      long: 5,
      longMs: 30_000,
      evictEveryMs: 60_000,
    }),
});

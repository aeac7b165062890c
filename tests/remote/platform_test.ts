import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { needed } from "../../tools/denokv_server.ts";
import { trial } from "../deploy/trial.ts";

// The long form is `deno task deploy:trial`.
Deno.test({
  ...needed("on a platform that ends instances at will, all tasks end, and an idle app does nothing"),
  async fn() {
    const story: string[] = [];
    const report = await trial({
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
      withinMs: 90_000,
      note: (what) => story.push(what),
    });
    const told = () => `${JSON.stringify(report, null, 1)}\n${story.join("\n")}`;
    assert.deepEqual([report.missing, report.unended], [0, 0], told());
    assert.deepEqual(report.ended, { COMPLETED: 600 }, told());
    assert.deepEqual([report.idleWrites, report.idleRequests], [0, 0], told());
    assert.ok(report.asleepAfterSeconds < 30, told());
  },
});

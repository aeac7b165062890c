import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { tableOf } from "../chaos/report.ts";
import { runChaos } from "../chaos/run_chaos.ts";

Deno.test("chaos: no acknowledged task is lost or ends twice, none runs without a lease", async () => {
  const args = "--seconds 32 --kills 42 --least-kills 15 --least-tasks 200 --rate 40";
  const report = await runChaos(...args.split(" "));
  const { kills, stops } = report.figures;
  assert.ok(kills + stops >= 15, tableOf(report));
  assert.ok(report.figures["tasks acknowledged"] >= 200, tableOf(report));
  assert.ok(report.figures["compositions accepted"] >= 5, tableOf(report));
  assert.ok(report.figures["tasks of schedules"] >= 50, tableOf(report));
});

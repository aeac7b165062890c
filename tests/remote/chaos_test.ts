// The chaos of tests/chaos, short, on a real `denokv` server that is killed too.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { runChaos } from "../chaos/run_chaos.ts";
import { tableOf } from "../chaos/report.ts";
import { needed } from "../support/denokv.ts";

Deno.test({
  ...needed("chaos on a server that is away for a while: no acknowledged task is lost or ends twice"),
  async fn() {
    const report = await runChaos(
      ..."--denokv --outage-seconds 5 --seconds 12 --kills 16 --least-kills 6 --least-tasks 60 --rate 25"
        .split(" "),
    );
    const { kills, stops } = report.figures;
    assert.ok(kills + stops >= 6, tableOf(report));
    assert.ok(report.figures["tasks acknowledged"] >= 60, tableOf(report));
    assert.ok(report.figures["compositions accepted"] >= 5, tableOf(report));
  },
});

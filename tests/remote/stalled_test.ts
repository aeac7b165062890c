import "../support/sanitizers.ts";
import { needed } from "../support/denokv.ts";
import { NO_LEASE_LOST, requireNoLeaseLost } from "../support/stalled.ts";
import { Denokv } from "../../tools/denokv_server.ts";

Deno.test({
  ...needed(NO_LEASE_LOST),
  async fn() {
    await using denokv = await Denokv.start();
    await requireNoLeaseLost(denokv.env);
  },
});

import "../support/sanitizers.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { requireOneTaskOfFifty, type Submit } from "../support/fifty.ts";
import { openPatientServer } from "../support/patient_kv.ts";
import { aService } from "../support/service.ts";

Deno.test({
  ...needed("50 submits with one key at the same instant at four services on a server make one task"),
  async fn() {
    await using server = await Denokv.start();
    Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
    await using stack = new AsyncDisposableStack();
    const submits: Submit[] = [];
    for (let n = 0; n < 4; n++) {
      const kv = await openPatientServer(server.url);
      const service = stack.use(await aService({ kv, running: false }));
      submits.push((body) => service.post("/v1/tasks", body));
    }
    await requireOneTaskOfFifty(submits);
  },
});

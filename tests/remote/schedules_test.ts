import "../support/sanitizers.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { firedMore, haveSchedules, requireOneTaskEach } from "../support/schedule_slots.ts";
import { Server } from "../support/server_process.ts";
import { requireOneTaskEachOfTen } from "../support/ten_processes.ts";

Deno.test({
  ...needed("two processes on a server fire each time once, also when one is killed, and the server too"),
  async fn() {
    await using denokv = await Denokv.start();
    const env = { ...denokv.env, LEASE_MS: "2000" };
    await using stays = await Server.start(env);
    await haveSchedules(stays);
    {
      await using other = await Server.start(env);
      await firedMore(other, 2);
      await other.end("SIGKILL");
    }
    await firedMore(stays, 1);
    await denokv.end("SIGKILL");
    await denokv.begin();
    await firedMore(stays, 2);
    await requireOneTaskEach(stays);
  },
});

Deno.test({
  ...needed(
    "ten processes on a server, of which six are killed and three are set back an hour, fire each time once",
  ),
  async fn() {
    await using denokv = await Denokv.start();
    await requireOneTaskEachOfTen({ ...denokv.env, LEASE_MS: "2000" });
  },
});

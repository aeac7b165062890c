import "../support/sanitizers.ts";
import { firedMore, haveSchedules, requireOneTaskEach } from "../support/schedule_slots.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import { requireOneTaskEachOfTen } from "../support/ten_processes.ts";

Deno.test("three processes, of which two are killed and begun again, fire each time once", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1000" };
  await using stays = await Server.start(env);
  await haveSchedules(stays);
  for (let round = 0; round < 2; round++) {
    await using one = await Server.start(env);
    await using other = await Server.start(env);
    await firedMore(other, 1);
    await Promise.all([one.end("SIGKILL"), other.end("SIGKILL")]);
    await firedMore(stays, 1);
  }
  await firedMore(stays, 1);
  await requireOneTaskEach(stays);
});

Deno.test("a schedule goes on where it stood after all processes were killed", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1000" };
  {
    await using server = await Server.start(env);
    await haveSchedules(server);
    await firedMore(server, 2);
    await server.end("SIGKILL");
  }
  await using server = await Server.start(env);
  await firedMore(server, 3);
  await requireOneTaskEach(server);
});

Deno.test("ten processes, of which six are killed and three are set back an hour, fire each time once", async () => {
  await using database = await aDatabase();
  await requireOneTaskEachOfTen({ KV_PATH: database.path, LEASE_MS: "2000" });
});

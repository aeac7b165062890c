import "../support/sanitizers.ts";
import { aDatabase } from "../support/server_process.ts";
import { NO_LEASE_LOST, requireNoLeaseLost } from "../support/stalled.ts";

Deno.test(NO_LEASE_LOST, async () => {
  await using database = await aDatabase();
  await requireNoLeaseLost({ KV_PATH: database.path });
});

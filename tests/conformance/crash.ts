// A service of its own that dies in the midst of its work. The service that all rows share cannot show that.

import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { aDatabase, type Env } from "../support/server_process.ts";

/** Runs `before`, ends the service with kill -9, starts it again on the same database and runs `after`. */
export async function acrossCrash<Seen>(
  env: Env,
  before: (errand: Errand) => Promise<Seen>,
  after: (errand: Errand, seen: Seen) => Promise<void>,
): Promise<void> {
  await using database = await aDatabase();
  const all = { ...env, KV_PATH: database.path };
  let seen: Seen;
  {
    await using server = await aServer(all);
    seen = await before(aClient(server.url));
    await server.end("SIGKILL");
  }
  await using server = await aServer(all);
  await after(aClient(server.url), seen);
}

// The service as a program that is not `deno run main.ts` in this checkout: tried out and stopped.

import assert from "node:assert/strict";
import { aKey } from "../support/api_keys.ts";
import type { ProgramOptions } from "../support/program.ts";
import { Server } from "../support/server_process.ts";

/** Started with one API key, which its calls carry. */
export function start(options: ProgramOptions): Promise<Server> {
  const { key, headers } = aKey(["admin"]);
  const API_KEYS = `${key.name}:admin:${key.hash.toHex()}`;
  return Server.run({ ...options, env: { API_KEYS, DEMO_TASKS: "true", ...options.env } }, headers);
}

/**
 * All that needs more than main.ts and its imports: worker threads, files that are read at run time, KV and
 * cron.
 */
export async function worksAndStops(server: Server): Promise<void> {
  const run = async (task: string, input: unknown) => {
    return (await server.ended((await server.submit(task, input)).id)).result;
  };
  const get = async (path: string) => {
    const { status, body } = await server.fetch(path);
    assert.equal(status, 200, path);
    return body;
  };
  assert.equal(await run("add", { a: 1, b: 2 }), 3);
  assert.equal(await run("primes", { limit: 1_000 }), 168);
  assert.match(await get("/docs"), /swagger-ui-bundle\.js/);
  assert.ok((await get("/docs/swagger-ui-bundle.js")).length > 1_000_000);
  assert.match(await get("/client/errand.js"), /from "\.\/eventsource-parser\/index\.js"/);
  assert.match(await get("/client/eventsource-parser/index.js"), /createParser/);
  assert.match((await get("/openapi.json")).openapi, /^3\.1/);
  assert.equal((await server.end("SIGTERM")).code, 0);
}

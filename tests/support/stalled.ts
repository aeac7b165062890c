// Two processes on one database, and a function that holds up the event loop of one of them.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Env, Server } from "./server_process.ts";
import type { Body } from "./service.ts";

const MAIN = fileURLToPath(new URL("./unruly_service.ts", import.meta.url));
/** Long enough that a slow machine takes none for dead that lives. */
const LEASE_MS = 3_000;

export const NO_LEASE_LOST =
  "a function that holds up the event loop for three leases costs neither itself nor its neighbours their lease";

/** @param database what says where it is */
export async function requireNoLeaseLost(database: Env): Promise<void> {
  const env = { ...database, LEASE_MS: String(LEASE_MS) };
  await using one = await Server.start(env, MAIN);
  await using other = await Server.start(env, MAIN);
  const once = { maxCrashes: 0, retry: { maxAttempts: 1 } };
  const neighbours: string[] = [];
  for (const server of [one, other, one, other]) {
    const { id } = await server.submit("unruly", { act: "wait and say where", value: LEASE_MS }, once);
    await server.until(id, "RUNNING");
    neighbours.push(id);
  }
  // Either may take it.
  const { id } = await one.submit("unruly", { act: "hold up the loop", value: 3 * LEASE_MS }, {
    ...once,
    delayMs: LEASE_MS / 2,
  });
  const culprit = await one.ended(id);
  const ended: Body[] = [culprit];
  for (const neighbour of neighbours) ended.push(await one.ended(neighbour));
  for (const { state, error, history } of ended) {
    assert.equal(state.type, "COMPLETED", JSON.stringify(error));
    const runs = history.filter(({ type }: Body) => type === "RUNNING");
    assert.equal(runs.length, 1, "nothing was moved elsewhere either");
  }
  assert.ok(ended.slice(1).some(({ result }) => result === culprit.result), "nobody was its neighbour");
}

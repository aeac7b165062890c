// One task that kills its process, and its neighbours.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { aDatabase, Server } from "../support/server_process.ts";
import type { Body } from "../support/service.ts";
import { eventually, HANGS_MS, pause } from "../support/waiting.ts";

const MAIN = fileURLToPath(new URL("../support/unruly_service.ts", import.meta.url));

/** Whenever the process is gone, it is started again. */
class Supervised implements AsyncDisposable {
  deaths = 0;

  private constructor(private readonly start: () => Promise<Server>, private current: Server) {}

  static async of(start: () => Promise<Server>): Promise<Supervised> {
    return new Supervised(start, await start());
  }

  async server(): Promise<Server> {
    if (!this.current.isOver) return this.current;
    this.deaths++;
    return this.current = await this.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.current[Symbol.asyncDispose]();
  }
}

Deno.test("of a task that kills its process and its neighbours only the task itself ends CRASHED", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1500" };
  await using supervised = await Supervised.of(() => Server.start(env, MAIN));
  const server = await supervised.server();
  const neighbours: string[] = [];
  for (let i = 0; i < 5; i++) neighbours.push((await server.submit("sleep", { ms: 1_000 })).id);
  const culprit = (await server.submit("unruly", { act: "kill" }, { delayMs: 200 })).id;
  const ended = new Map<string, Body>();
  for (const since = performance.now(); ended.size < 6; await pause(50)) {
    assert.ok(performance.now() - since < HANGS_MS, JSON.stringify([...ended.values()]));
    const server = await supervised.server();
    for (const id of [...neighbours, culprit]) {
      const task = await server.task(id).catch(() => null);
      if (task?.done) ended.set(id, task);
    }
  }
  assert.deepEqual(neighbours.map((id) => ended.get(id)!.state.type), Array(5).fill("COMPLETED"));
  assert.deepEqual([ended.get(culprit)!.state.type, supervised.deaths], ["CRASHED", 4]);
  const { output } = await supervised.server();
  const said = await eventually(() => {
    const lines = output.stderr.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    const found = lines.filter(({ message }) => message.endsWith("ended CRASHED"));
    return found.length > 0 && found;
  }, "nobody is told");
  assert.deepEqual(said.map(({ task, id, error }) => [task, id, error.split(":")[0]]), [
    ["unruly", culprit, "CrashedError"],
  ]);
});

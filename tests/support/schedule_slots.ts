// Schedules of a real service: what they fired, and what there is of it.

import assert from "node:assert/strict";
import { allTasks } from "./listed.ts";
import type { Server } from "./server_process.ts";
import { eventually } from "./waiting.ts";

const NAMES = ["a", "b", "c"];

function send(method: string, body?: unknown): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** Three schedules, each of which fires every second, whatever runs. */
export async function haveSchedules(server: Server): Promise<void> {
  for (const name of NAMES) {
    const config = {
      task: "add",
      input: { a: 1, b: 2 },
      options: { tags: [name] },
      spec: [{ everyMs: 1_000 }],
      overlap: "allow-all",
    };
    const { status, body } = await server.fetch(`/v1/schedules/${name}`, send("PUT", config));
    assert.equal(status, 201, JSON.stringify(body));
  }
}

/** Resolves when each has fired so many times more. */
export async function firedMore(server: Server, times: number): Promise<void> {
  const firedOf = async (name: string) =>
    (await server.fetch(`/v1/schedules/${name}`)).body?.fired as number | undefined;
  for (const name of NAMES) {
    // It has no answer while the database is away.
    let before: number | undefined;
    await eventually(async () => {
      const fired = await firedOf(name);
      if (fired !== undefined) before ??= fired;
      return before !== undefined && fired !== undefined && fired >= before + times;
    }, `${name} does not fire`);
  }
}

/** Each time from the first to the last one has its task, and no time has two. */
export async function requireOneTaskEach(server: Server): Promise<void> {
  for (const name of NAMES) {
    const { status } = await server.fetch(`/v1/schedules/${name}/pause`, send("POST", {}));
    assert.equal(status, 200);
    const { body: { fired } } = await server.fetch(`/v1/schedules/${name}`);
    const tasks = await allTasks((path) => server.fetch(path), `tag=${name}`);
    const times: string[] = tasks.map(({ schedule }) => schedule.scheduledFor);
    assert.ok(fired > 3, `${name} fired ${fired} times`);
    assert.deepEqual([times.length, new Set(times).size], [fired, fired], name);
    const [first, last] = [Math.min, Math.max].map((of) => of(...times.map((time) => Date.parse(time))));
    assert.equal((last - first) / 1_000, fired - 1, `${name} has lost a time`);
  }
}

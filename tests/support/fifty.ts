// 50 submits at the same instant, spread over several processes: they meet at one unique key.

import assert from "node:assert/strict";
import type { Body } from "./service.ts";

/** Sends one submit to a process. */
export type Submit = (body: unknown) => Promise<{ status: number; body: Body }>;

const COUNT = 50;
const FAR_MS = 24 * 60 * 60 * 1000;

async function fifty(processes: Submit[], options: (n: number) => unknown) {
  return await Promise.all(
    Array.from({ length: COUNT }, (_, n) => {
      return processes[n % processes.length]({ task: "echo", input: { value: n }, options: options(n) });
    }),
  );
}

function requireOne(answers: { status: number; body: Body }[], what: string): Body {
  const ids = new Set(answers.map(({ body }) => body.id));
  assert.equal(ids.size, 1, `${what}: ${ids.size} tasks, ${JSON.stringify(answers[0].body)}`);
  const made = answers.filter(({ status }) => status === 202);
  assert.equal(made.length, 1, `${what}: ${made.length} were told that they made it`);
  assert.ok(answers.every(({ status }) => status === 202 || status === 200), what);
  return made[0].body;
}

/** All ways of 50 to meet, in all of these processes. */
export async function requireOneTaskOfFifty(processes: Submit[]): Promise<void> {
  const later = { delayMs: FAR_MS };
  requireOne(await fifty(processes, () => ({ ...later, unique: { key: "return" } })), "return");
  requireOne(
    await fifty(processes, () => ({ debounce: { key: "debounce", delayMs: FAR_MS } })),
    "debounce",
  );
  const replace = { key: "replace", onConflict: "replace" };
  requireOne(await fifty(processes, () => ({ ...later, unique: replace })), "replace");
  const rejected = await fifty(
    processes,
    () => ({ ...later, unique: { key: "reject", onConflict: "reject" } }),
  );
  assert.deepEqual(rejected.map(({ status }) => status).sort(), [202, ...Array(COUNT - 1).fill(409)]);
  const cancel = { key: "cancel", onConflict: "cancel" };
  const newest = await fifty(processes, () => ({ ...later, unique: cancel }));
  assert.equal(new Set(newest.map(({ body }) => body.id)).size, COUNT, "each is a new task");
  const left = await processes[0]({
    task: "echo",
    input: { value: 0 },
    options: { ...later, unique: { key: "cancel" } },
  });
  assert.equal(left.status, 200, "one of them has the key");
  assert.equal(left.body.state.type, "SCHEDULED");
}

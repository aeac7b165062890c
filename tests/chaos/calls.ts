// Calls to one service process, for tests that talk to several.

import assert from "node:assert/strict";
import { eventually } from "../support/waiting.ts";
import type { Slot } from "./slot.ts";

// deno-lint-ignore no-explicit-any
export type Body = any;

export async function submit({ url }: Slot, task: string, input: object, options?: object): Promise<string> {
  return (await post(url, "/v1/tasks", { task, input, options })).id;
}

export async function submitMany(
  { url }: Slot,
  count: number,
  task: string,
  input: object,
  options?: object,
): Promise<string[]> {
  const tasks = Array.from({ length: count }, () => ({ task, input, options }));
  return (await post(url, "/v1/tasks/batch", { tasks })).tasks.map(({ id }: Body) => id);
}

/** As it is after `waitSeconds` at the latest, or as soon as it has ended. */
export async function taskAt({ url }: Slot, id: string, waitSeconds = 0): Promise<Body> {
  const response = await fetch(`${url}/v1/tasks/${id}?wait=${waitSeconds}`);
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

/** The task once it has ended. */
export async function endAt(slot: Slot, id: string): Promise<Body> {
  return (await endsAt(slot, [id]))[0];
}

/** At most 1,000 of them, once all have ended. */
export async function endsAt(slot: Slot, ids: string[]): Promise<Body[]> {
  await eventually(async () => {
    const wait = { ids, returnWhen: "ALL_COMPLETED", timeoutSeconds: 30 };
    return (await post(slot.url, "/v1/wait", wait)).notDone.length === 0;
  }, "they have not all ended");
  return await Promise.all(ids.map((id) => taskAt(slot, id)));
}

export function typesOf({ history }: Body): string[] {
  return history.map(({ type }: Body) => type);
}

async function post(url: string, path: string, body: object): Promise<Body> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

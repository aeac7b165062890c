// Asks the service, by HTTP and as anybody could, for everything that it holds.

import type { Group } from "./compositions/composition.ts";
import { now } from "./journal.ts";
import type { State, Task } from "./facts.ts";
import { allTasks } from "../support/listed.ts";
import { pause } from "../support/waiting.ts";

// deno-lint-ignore no-explicit-any
type Body = any;

const OPEN = "state=SCHEDULED,PENDING,RUNNING,PAUSED,CANCELLING";
const LANES = 16;
/** Longer than any machine needs until all tasks have ended. */
export const ENDLESS_MS = 900_000;

/**
 * Waits until nothing is left that has not ended. A slow machine takes longer, but something happens there.
 *
 * @returns how long it took; null if nothing happened for `stillMs`, or there was no end to it
 */
export async function quiet(url: string, stillMs: number): Promise<number | null> {
  const since = now();
  let changedAt = since, before = "";
  while (now() - changedAt < stillMs && now() - since < ENDLESS_MS) {
    // A list is no snapshot: what moves from one state to another while it is read may be missed once.
    const left = await openOnes(url) ?? await openOnes(url);
    if (left === null) return now() - since;
    if (left !== before) changedAt = now();
    before = left;
    await pause(200);
  }
  return null;
}

/** All tasks that have not ended, with their states, as a text; null if there are none. */
async function openOnes(url: string): Promise<string | null> {
  const tasks = await allTasks(async (path) => ({ body: await get(url, path) }), OPEN);
  return tasks.length === 0 ? null : JSON.stringify(tasks.map(({ id, state }: Body) => [id, state]));
}

/** These groups, once each is over, or nothing happens to it any more. */
export async function readGroups(url: string, ids: string[], stillMs: number): Promise<Group[]> {
  const groups: Group[] = [];
  for (const id of ids) {
    let changedAt = now(), before = "";
    let group: Group | null;
    do {
      group = await get(url, `/v1/groups/${id}`);
      const text = JSON.stringify(group);
      if (text !== before) changedAt = now();
      before = text;
    } while (group && !isOver(group) && now() - changedAt < stillMs && await pause(100) === undefined);
    if (group) groups.push(group);
  }
  return groups;
}

function isOver({ endedAt, compensation }: Group): boolean {
  return endedAt !== null && (compensation === null || compensation.endedAt !== null);
}

/** Every id, by the pages of the list. */
export async function listAll(url: string): Promise<string[]> {
  const tasks = await allTasks(async (path) => ({ body: await get(url, path) }));
  return tasks.map(({ id }) => id);
}

/** These tasks whole; what is not there is left out. */
export async function readAll(urls: string[], ids: string[]): Promise<Task[]> {
  const tasks: Task[] = [];
  const left = [...ids];
  const lane = async (url: string) => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const task = await get(url, `/v1/tasks/${id}`);
      if (task) tasks.push(taskOf(task));
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, i) => lane(urls[i % urls.length])));
  return tasks;
}

/**
 * Faults in the event stream of an ended task: places must be dense from 1, the end must be last and the only
 * one that there is.
 */
export async function streamFaults(url: string, id: string): Promise<string[]> {
  const late = AbortSignal.timeout(10_000);
  const text = await fetch(`${url}/v1/tasks/${id}/events`, { signal: late })
    .then((response) => response.text()).catch(String);
  const events = text.split("\n\n").flatMap((block) => {
    const event = /^event: (.*)$/m.exec(block)?.[1];
    return event ? [{ event, place: Number(/^id: (.*)$/m.exec(block)?.[1]) }] : [];
  });
  const dense = events.every(({ place }, i) => place === i + 1);
  const ends = events.filter(({ event }) => event === "end").length;
  if (dense && ends === 1 && events.at(-1)!.event === "end") return [];
  return [`${id}: ${events.map(({ event, place }) => `${place} ${event}`).join(", ")}`];
}

async function get(url: string, path: string): Promise<Body> {
  for (let tries = 0;; tries++) {
    let gave: string;
    try {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(10_000) });
      const body = await response.json();
      if (response.status === 200) return body;
      if (response.status === 404) return null;
      gave = `${response.status}: ${JSON.stringify(body)}`;
    } catch (error) {
      gave = String(error);
    }
    if (tries === 5) throw new Error(`GET ${path} gave ${gave}`);
    await pause(200);
  }
}

function taskOf(body: Body): Task {
  const history = body.history.map((state: Body): State => ({ ...state, at: Date.parse(state.at) }));
  return { ...body, history, runAt: Date.parse(body.runAt) };
}

// Work for two releases on one database, and how it must end whichever of them does it.

import assert from "node:assert/strict";
import { contradictions } from "../fixtures/asks.ts";
import type { Server } from "../support/server_process.ts";
import type { Body } from "../support/service.ts";

export interface Doing {
  /** All tasks that are known by their ids. */
  all: string[];
  ends: { id: string; state: string; result?: unknown }[];
  groups: { id: string; results: unknown[] }[];
  /** A call under an idempotency key, and its first answer. */
  keyed: { body: Body; first: Body };
}

const KEY = { "idempotency-key": "rolling" };
const LARGE = "x".repeat(50_000);
/** Until the other process is there, and has begun something itself. */
const LONG_MS = 3_000;

const ref = (id: string) => ({ $task: id });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

async function post(server: Server, path: string, body: unknown, headers = {}): Promise<Body> {
  const answer = await server.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  return answer.body;
}

/** What the first process takes; some of it runs, and much of it waits, when it goes. */
export async function submitAll(server: Server): Promise<Doing> {
  const doing: Doing = { all: [], ends: [], groups: [], keyed: { body: null, first: null } };
  const end = (id: string, result: unknown, state = "COMPLETED Completed") => {
    doing.all.push(id);
    doing.ends.push({ id, state, result });
  };
  const group = ({ groupId, tasks }: Body, results: unknown[]) => {
    doing.all.push(...Object.values<Body>(tasks).slice(0, 20).map(({ id }) => id));
    doing.groups.push({ id: groupId, results });
  };
  const submit = async (task: string, input: unknown, options?: unknown): Promise<string> =>
    (await server.submit(task, input, options)).id;

  const sleeping = await submit("sleep", { ms: LONG_MS, value: "slept" });
  end(sleeping, "slept");
  end(await submit("countdown", { from: 3, stepMs: LONG_MS / 3 }), "liftoff");
  end(await submit("add", { a: 1, b: 2 }, { delayMs: LONG_MS }), 3);
  end(await submit("echo", { value: LARGE }), LARGE);
  end(await submit("echo", { value: LARGE }, { waitFor: [sleeping] }), LARGE);
  const retry = { maxAttempts: 3, delayMs: LONG_MS / 2, factor: 1, jitter: false };
  end(await submit("fail", { message: "not yet", untilAttempt: 3 }, { retry }), 3);
  const failing = await submit("fail", { message: "no" }, { delayMs: LONG_MS });
  end(failing, null, "FAILED Failed");
  end(await submit("echo", { value: ref(failing) }), null, "CANCELLED UpstreamFailed");
  const children = [{ task: "sleep", input: { ms: LONG_MS, value: 1 } }, {
    task: "add",
    input: { a: 1, b: 1 },
  }];
  end(await submit("family", { children, awaits: true }), [1, 2]);

  const tasks = numbers(20).map((a) => ({ task: "add", input: { a, b: 1 } }));
  group(await post(server, "/v1/tasks/batch", { tasks, group: true }), numbers(20).map((a) => a + 1));
  const inputs = numbers(5).map((value) => ({ ms: LONG_MS / 3, value }));
  group(await post(server, "/v1/map", { task: "sleep", inputs, maxConcurrent: 2 }), numbers(5));
  const slow = { task: "sleep", input: { ms: LONG_MS, value: "slow" } };
  const last = { task: "echo", into: "value" };
  group(await post(server, "/v1/flows", { chain: [slow, last, last] }), ["slow", "slow", "slow"]);
  const header = [slow, { task: "add", input: { a: 1, b: 1 } }];
  group(await post(server, "/v1/flows", { chord: { header, body: last } }), ["slow", 2, ["slow", 2]]);
  // More than one commit takes.
  const many = numbers(400).map((value) => ({ task: "echo", input: { value } }));
  const large = {
    chain: [{ ...slow, immutable: true }, {
      chord: { header: many.map((one) => ({ ...one, immutable: true })), body: last },
    }],
  };
  group(await post(server, "/v1/flows", large), ["slow", ...numbers(400), numbers(400)]);

  const body = { chain: [slow, last] };
  const first = await post(server, "/v1/flows", body, KEY);
  group(first, ["slow", "slow"]);
  return { ...doing, keyed: { body, first } };
}

/** What the second process adds while both are there: it waits for tasks of the first one. */
export async function submitAlso(server: Server, doing: Doing): Promise<void> {
  const [{ id }] = doing.ends;
  const after = await server.submit("echo", { value: ref(id) });
  const replayed = await post(server, "/v1/flows", doing.keyed.body, KEY);
  assert.deepEqual(contradictions(doing.keyed.first, replayed), []);
  const results = ["slept", "slept"];
  const flow = await post(server, "/v1/flows", {
    tasks: {
      one: { task: "echo", input: { value: ref(id) } },
      two: { task: "echo", input: { value: ref("one") } },
    },
  });
  doing.groups.push({ id: flow.groupId, results });
  doing.ends.push({ id: after.id, state: "COMPLETED Completed", result: "slept" });
  doing.all.push(after.id, ...Object.values<Body>(flow.tasks).map((task) => task.id));
}

/** All of it ends as it should, as this process tells it. */
export async function requireDone(server: Server, { ends, groups }: Doing): Promise<void> {
  for (const { id, state, result } of ends) {
    const task = await server.ended(id);
    assert.equal(`${task.state.type} ${task.state.name}`, state, JSON.stringify(task));
    assert.deepEqual(task.result, result);
  }
  for (const { id, results } of groups) {
    const { status, body } = await server.fetch(`/v1/groups/${id}/results?wait=60`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.results, results);
  }
}

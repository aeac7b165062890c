// The engine's main ways on a real `denokv` server, over HTTP. One service takes what the other one runs:
// they have nothing in common but the server.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { aService, type Body, firstEvents, type Service, type ServiceOptions } from "../support/service.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { allTasks } from "../support/listed.ts";
import { openPatientServer } from "../support/patient_kv.ts";
import { eventually, pause, unlessItHangs } from "../support/waiting.ts";

/** A cancel reaches a worker with its next beat, three in this time. No slow machine is taken for dead. */
const LEASE_MS = 6_000;

interface Pair {
  /** Takes and answers. */
  web: Service;
  /** Runs. */
  worker: Service;
}

function onAServer(name: string, test: (pair: Pair) => Promise<void>, options: ServiceOptions = {}): void {
  Deno.test({
    ...needed(name),
    async fn() {
      await using server = await Denokv.start();
      Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
      const open = async (runsTasks: boolean) => {
        return await aService({
          ...options,
          kv: await openPatientServer(server.url),
          sweepMs: 2_000,
          runsTasks,
        });
      };
      await using web = await open(false);
      await using worker = await open(true);
      await test({ web, worker });
    },
  });
}

const add = (a: unknown, b: unknown) => ({ task: "add", input: { a, b } });
const sleep = (ms: number) => ({ task: "sleep", input: { ms } });
const addsTo = (count: number) => Array.from({ length: count }, (_, i) => add(i, 1));

async function taken(service: Service, path: string, body: unknown, key?: string): Promise<Body> {
  const answer = await service.post(path, body, { headers: key ? { "idempotency-key": key } : {} });
  assert.equal(answer.status, 202, answer.text);
  return answer.body;
}

/** The results of a group in order, once all of it has ended. */
async function resultsOf(service: Service, groupId: string, more = ""): Promise<unknown[]> {
  return await eventually(async () => {
    const { status, body, text } = await service.get(`/v1/groups/${groupId}/results?wait=20${more}`);
    assert.ok(status === 200 || status === 202, text);
    return status === 200 && body.results;
  }, "the group has not ended");
}

onAServer("denokv: a task is read back at once, runs elsewhere, and its waiter is told", async ({ web }) => {
  const task = await web.submit("add", { a: 1, b: 2 }, { tags: ["one"] });
  assert.equal((await web.task(task.id)).id, task.id);
  const ended = await web.ended(task.id);
  assert.deepEqual([ended.state.type, ended.result], ["COMPLETED", 3]);
  assert.deepEqual(ended.history.map(({ type }: Body) => type), ["PENDING", "RUNNING", "COMPLETED"]);
  const { body } = await web.get("/v1/tasks?tag=one");
  assert.deepEqual(body.tasks.map(({ id }: Body) => id), [task.id]);
});

onAServer("denokv: a key stands for the same tasks, whichever process is asked", async ({ web, worker }) => {
  const headers = { "idempotency-key": "once" };
  const answers = await Promise.all(
    [web, worker, web, worker].map((service) => service.post("/v1/tasks", add(1, 1), { headers })),
  );
  for (const answer of answers.filter(({ status }) => status !== 202)) assert.equal(answer.status, 409);
  const again = await worker.post("/v1/tasks", add(1, 1), { headers });
  assert.deepEqual([again.status, again.headers.get("idempotency-replayed")], [202, "true"]);
  for (const { status, body } of answers) if (status === 202) assert.equal(body.id, again.body.id);
  const other = await web.post("/v1/tasks", add(1, 2), { headers });
  assert.equal(other.body.type, "/problems/idempotency-mismatch");
  assert.equal((await web.get("/v1/tasks")).body.tasks.length, 1);
});

onAServer("denokv: a batch of 500 as completed, and resumed in the midst of it", async ({ web }) => {
  const { groupId, tasks } = await taken(web, "/v1/tasks/batch", { group: true, tasks: addsTo(500) });
  assert.equal(tasks.length, 500);
  const first = await firstEvents(await web.open(`/v1/as-completed?groupId=${groupId}`), 200);
  const headers = { "last-event-id": first.at(-1)!.id };
  const rest = await web.events(`/v1/as-completed?groupId=${groupId}`, { headers });
  const ids = [...first, ...rest].filter(({ event }) => event === "task").map(({ data }) => data.id);
  assert.equal(ids.length, 500);
  assert.deepEqual(ids.toSorted(), tasks.map(({ id }: Body) => id).toSorted());
  assert.deepEqual(rest.at(-1)!.data, { outcome: "COMPLETED", total: 500, yielded: 500 });
});

onAServer("denokv: a group of 1000 gives its results in order", async ({ web }) => {
  const { groupId } = await taken(web, "/v1/tasks/batch", { group: true, tasks: addsTo(1_000) });
  assert.deepEqual(await resultsOf(web, groupId), addsTo(1_000).map((_, i) => i + 1));
  const { body } = await web.get(`/v1/groups/${groupId}`);
  assert.deepEqual([body.total, body.done, body.counts], [1_000, 1_000, { COMPLETED: 1_000 }]);
});

{
  let now = 0;
  let most = 0;
  const busy = define({ name: "busy", input: z.object({ n: z.int() }) }, async ({ input }) => {
    most = Math.max(most, ++now);
    await pause(5);
    now--;
    return input.n;
  });

  onAServer("denokv: a map keeps to its window", async ({ web }) => {
    const inputs = Array.from({ length: 40 }, (_, n) => ({ n }));
    const { groupId } = await taken(web, "/v1/map", { task: "busy", inputs, maxConcurrent: 5 });
    assert.deepEqual(await resultsOf(web, groupId), inputs.map(({ n }) => n));
    assert.ok(most > 1 && most <= 5, `${most} at once`);
  }, { definitions: [busy] });
}

onAServer("denokv: a chord's body gets the results of its header in order", async ({ web }) => {
  const header = Array.from({ length: 25 }, (_, i) => add(i, i));
  const body = { task: "echo", into: "value" };
  const { tasks } = await taken(web, "/v1/flows", { chord: { header, body } });
  assert.deepEqual((await web.ended(tasks.body.id)).result, header.map((_, i) => 2 * i));
});

onAServer(
  "denokv: a flow of 300 under a key is there once, and runs in its order",
  async ({ web, worker }) => {
    const node = (i: number) => i === 0 ? add(0, 1) : add({ $task: `n${Math.floor((i - 1) / 4)}` }, 1);
    const flow = { tasks: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, node(i)])) };
    const first = await taken(web, "/v1/flows", flow, "flow");
    const again = await taken(worker, "/v1/flows", flow, "flow");
    assert.deepEqual([again.groupId, again.tasks.n299.id], [first.groupId, first.tasks.n299.id]);
    const depths = Array.from({ length: 300 }, () => 1);
    for (let i = 1; i < 300; i++) depths[i] = 1 + depths[Math.floor((i - 1) / 4)];
    assert.deepEqual((await resultsOf(web, first.groupId)).toSorted(), depths.toSorted());
    assert.equal((await allTasks((path) => web.get(path))).length, 300);
  },
);

onAServer("denokv: retries, on failure and on request, and a delete", async ({ web }) => {
  const retry = { maxAttempts: 3, delayMs: 10, jitter: false };
  const { id } = await web.submit("fail", { message: "m", untilAttempt: 3 }, { retry });
  assert.deepEqual([(await web.ended(id)).result, (await web.task(id)).attempt], [3, 3]);

  const failed = await web.run("fail", { message: "boom" });
  assert.equal(failed.state.type, "FAILED");
  const input = { message: "boom", untilAttempt: 1 };
  assert.equal((await web.post(`/v1/tasks/${failed.id}/retry`, { input })).status, 202);
  assert.equal((await web.ended(failed.id)).state.type, "COMPLETED");

  assert.equal((await web.delete(`/v1/tasks/${failed.id}`)).status, 204);
  assert.equal((await web.get(`/v1/tasks/${failed.id}`)).status, 410);
});

onAServer("denokv: a cancel reaches what waits, what is delayed and what runs elsewhere", async ({ web }) => {
  const later = await web.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 });
  const upstream = await web.submit("sleep", { ms: 60_000 });
  const waiting = await web.submit("echo", { value: { $task: upstream.id } });
  for (const { id } of [later, waiting]) {
    const { status, body } = await web.post(`/v1/tasks/${id}/cancel`);
    assert.deepEqual([status, body.outcome], [200, "cancelled"]);
  }
  await web.until(upstream.id, "RUNNING");
  const { status, body } = await web.post(`/v1/tasks/${upstream.id}/cancel`, { graceMs: 10_000 });
  assert.deepEqual([status, body.outcome], [202, "requested"]);
  for (const { id } of [later, waiting, upstream]) {
    assert.equal((await web.ended(id)).state.type, "CANCELLED");
  }
}, { leaseMs: LEASE_MS });

onAServer("denokv: the events of a task that runs elsewhere, whole and from a place on", async ({ web }) => {
  const { id } = await web.submit("countdown", { from: 3, stepMs: 30 });
  const events = await web.events(`/v1/tasks/${id}/events`);
  assert.deepEqual(events.map((event) => Number(event.id)), events.map((_, i) => i + 1));
  assert.deepEqual(events.slice(-2).map(({ event }) => event), ["result", "end"]);
  const rest = await web.events(`/v1/tasks/${id}/events?after=3`);
  assert.deepEqual(rest, events.slice(3));
});

onAServer("denokv: a delayed task is not early", async ({ web }) => {
  const { id, createdAt } = await web.submit("add", { a: 1, b: 2 }, { delayMs: 700 });
  const { startedAt, result } = await web.ended(id);
  const waitedMs = Date.parse(startedAt) - Date.parse(createdAt);
  assert.equal(result, 3);
  assert.ok(waitedMs >= 700, `${waitedMs} ms`);
});

onAServer("denokv: a value of 5 MB goes in and comes out as it was", async ({ web }) => {
  const value = Array.from({ length: 80_000 }, () => crypto.randomUUID() + crypto.randomUUID().slice(0, 26));
  assert.ok(JSON.stringify(value).length > 5e6);
  const { id } = await web.submit("echo", { value });
  const ended = await web.ended(id);
  assert.deepEqual(ended.result, value);
  assert.equal((await web.delete(`/v1/tasks/${id}`)).status, 204);
}, { maxInputBytes: 2 ** 23 });

onAServer(
  "denokv: what a stopping worker runs is handed back, and nothing is kept of it",
  async ({ web, worker }) => {
    const { id } = await web.submit("sleep", { ms: 60_000 });
    await web.until(id, "RUNNING");
    await unlessItHangs(worker.runtime.stop(0), "the stop");
    const { state, attempt, history } = await web.task(id);
    assert.deepEqual([state.type, attempt], ["PENDING", 0]);
    assert.match(history.at(-1).message, /^handed back/);
    const left = await web.kv.list({ prefix: ["worker"] }, { limit: 10 });
    assert.deepEqual(left, []);
  },
);

onAServer("denokv: a group is cancelled while it runs elsewhere", async ({ web }) => {
  const { groupId } = await taken(web, "/v1/tasks/batch", {
    group: true,
    tasks: Array.from({ length: 30 }, () => sleep(60_000)),
  });
  await eventually(async () => (await web.get(`/v1/groups/${groupId}`)).body.counts.RUNNING > 0);
  const { status, text } = await web.post(`/v1/groups/${groupId}/cancel`, { reason: "enough" });
  assert.ok(status === 200 || status === 202, text);
  assert.equal((await resultsOf(web, groupId, "&raiseOnFailure=false")).length, 30);
  const { body: { counts } } = await web.get(`/v1/groups/${groupId}`);
  assert.deepEqual(counts, { CANCELLED: 30 });
}, { leaseMs: LEASE_MS });

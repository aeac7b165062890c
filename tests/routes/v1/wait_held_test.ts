// What a wait over HTTP is held for. A client looks again when it was answered too early, so its own tests
// would not notice; a program of two lines with fetch would.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { PermanentError } from "../../../runtime/core/errors.ts";
import { Gates } from "../../support/gates.ts";
import { allEvents, type Answer, aService, type Body, type Service } from "../../support/service.ts";
import { eventually, turn } from "../../support/waiting.ts";

const NOT_YET = { delayMs: 3_600_000 };

/** A request under way, and whether it was answered. */
class Held {
  isAnswered = false;

  constructor(private readonly service: Service, readonly answer: Promise<Answer>) {
    answer.then(() => this.isAnswered = true);
  }

  /** Fails if it was answered, though all that happened before was seen by others. */
  async requireHeld(ended: string[], why: string): Promise<void> {
    for (const id of ended) await this.service.get(`/v1/tasks/${id}?wait=60`);
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(this.isAnswered, false, `answered when ${why}`);
  }

  async lists(): Promise<[done: string[], notDone: string[]]> {
    const { status, text, body } = await this.answer;
    assert.equal(status, 200, text);
    return [body.done, body.notDone].map((list: Body[]) => list.map(({ id }) => id)) as [string[], string[]];
  }
}

/** As a list of ids, and as a group. */
async function bothWays(
  service: Service,
  ids: string[],
  returnWhen: string,
): Promise<Record<string, Held>> {
  const { body: { id: groupId } } = await service.post("/v1/groups", { ids });
  const wait = (which: object) => {
    return new Held(service, service.post("/v1/wait", { ...which, returnWhen, timeoutSeconds: 600 }));
  };
  const held = { ids: wait({ ids }), group: wait({ groupId }) };
  // One that need not be held is answered at once, and is never seen to watch.
  const isUnderWay = () => service.runtime.watched > 0 || Object.values(held).every((one) => one.isAnswered);
  await eventually(isUnderWay);
  return held;
}

async function delayed(service: Service, options: object = NOT_YET): Promise<string> {
  return (await service.submit("nothing", {}, options)).id;
}

const nothing = define({ name: "nothing", input: z.object({}) }, () => {});

function definitionsOf(gates: Gates): AnyDefinition[] {
  return [gates.definition, nothing] as AnyDefinition[];
}

Deno.test("FIRST_EXCEPTION is held until one fails: one that completes or is cancelled, in whatever way, does not count", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: definitionsOf(gates) });
  const [slow, stopped, completing, failing] = await gates.submit(service, 4);
  const [outside] = await gates.submit(service, 1);
  const waiting = await delayed(service);
  const following = await delayed(service, { waitFor: [outside] });
  const ids = [slow, stopped, completing, failing, waiting, following];
  const held = await bothWays(service, ids, "FIRST_EXCEPTION");
  const stillHeld = async (ended: string[], why: string) => {
    for (const [which, one] of Object.entries(held)) await one.requireHeld(ended, `${why} (${which})`);
  };
  await service.post(`/v1/tasks/${waiting}/cancel`, {});
  await stillHeld([waiting], "one that waited was cancelled");
  await service.post(`/v1/tasks/${stopped}/cancel`, {});
  await stillHeld([stopped], "one that ran was cancelled");
  gates.fail(outside, new PermanentError("not of the set"));
  await stillHeld([outside, following], "one ended UpstreamFailed");
  gates.open(completing);
  await stillHeld([completing], "one completed");
  gates.fail(failing, new PermanentError("no luck"));
  const done = [stopped, completing, failing, waiting, following];
  for (const [which, one] of Object.entries(held)) {
    assert.deepEqual(await one.lists(), [done, [slow]], which);
  }
  // What is so at the start needs no failure to come: all have ended.
  const all = await bothWays(service, [completing, waiting], "FIRST_EXCEPTION");
  for (const one of Object.values(all)) assert.deepEqual(await one.lists(), [[completing, waiting], []]);
});

Deno.test("ALL_COMPLETED is held until the last has ended, FIRST_COMPLETED until one has, in whatever way", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: definitionsOf(gates) });
  const [last, failing, completing] = await gates.submit(service, 3);
  const cancelled = await delayed(service);
  const ids = [last, failing, completing, cancelled];
  const all = await bothWays(service, ids, "ALL_COMPLETED");
  const first = await bothWays(service, ids, "FIRST_COMPLETED");
  for (const one of Object.values(first)) await one.requireHeld([], "none has ended");
  await service.post(`/v1/tasks/${cancelled}/cancel`, {});
  for (const one of Object.values(first)) {
    assert.deepEqual(await one.lists(), [[cancelled], [last, failing, completing]]);
  }
  gates.fail(failing, new PermanentError("no luck"));
  gates.open(completing);
  for (const one of Object.values(all)) {
    await one.requireHeld([cancelled, failing, completing], "one is left");
  }
  gates.open(last);
  for (const one of Object.values(all)) assert.deepEqual(await one.lists(), [ids, []]);
});

Deno.test("a wait whose time is over is 200 with both lists, in the order of the ids, each once", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: definitionsOf(gates) });
  const [b, a] = await gates.submit(service, 2);
  gates.open(b);
  await service.ended(b);
  const cancelled = await delayed(service);
  await service.post(`/v1/tasks/${cancelled}/cancel`, {});
  const ids = [a, cancelled, b, a, cancelled.toUpperCase(), b];
  for (const timeoutSeconds of [0, 0.01]) {
    for (const returnWhen of ["ALL_COMPLETED", "FIRST_EXCEPTION"]) {
      const answer = service.post("/v1/wait", { ids, returnWhen, timeoutSeconds });
      assert.deepEqual(await new Held(service, answer).lists(), [[cancelled, b], [a]]);
    }
  }
});

Deno.test("a group is waited for until all is taken back, and the stream of its ends goes on until then", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: definitionsOf(gates) });
  const good = { task: "nothing", input: {}, options: { compensate: { task: "gate" } } };
  const bad = { task: "fail", input: { message: "no luck" }, waitFor: ["good"] };
  const { body: { groupId, tasks } } = await service.post("/v1/flows", { tasks: { good, bad } });
  const at = `/v1/groups/${groupId}`;
  const ids = [tasks.good.id, tasks.bad.id];
  const whole = new Held(service, service.get(`${at}?wait=600`));
  const results = new Held(service, service.get(`${at}/results?wait=600`));
  const all = new Held(service, service.post("/v1/wait", { groupId, timeoutSeconds: 600 }));
  const stream = await service.open(`/v1/as-completed?groupId=${groupId}`);
  let hasStreamEnded = false;
  const told = allEvents(stream).finally(() => hasStreamEnded = true);
  const { compensation } = await eventually(async () => {
    const { body } = await service.get(at);
    return body.compensation?.groupId ? body : false;
  });
  for (const one of [whole, results, all]) await one.requireHeld(ids, "its tasks had ended");
  assert.equal(hasStreamEnded, false, "the stream ended when its tasks had");
  const { body: own } = await service.get(`/v1/groups/${compensation.groupId}`);
  gates.open(own.nodes[0].id);
  assert.equal((await whole.answer).body.state, "FAILED");
  assert.equal((await results.answer).status, 424);
  assert.deepEqual(await all.lists(), [ids, []]);
  const events = await told;
  assert.deepEqual(events.slice(0, -1).map(({ data }) => data.id), ids);
  assert.deepEqual(events.at(-1)!.data, { outcome: "FAILED", total: 2, yielded: 2 });
});

Deno.test("?wait= of a task and of its result is held until the end, whatever state the task goes through", async () => {
  let failures = 2;
  const gates = new Gates();
  const restless = define({ name: "restless", input: z.object({}) }, async (context) => {
    context.progress(1, 2);
    context.log("a line");
    if (failures-- > 0) throw new Error("once more");
    await gates.definition.handler(context);
  });
  await using service = await aService({ definitions: [restless] as AnyDefinition[] });
  const options = { retry: { maxAttempts: 3, delayMs: 1 } };
  const { id } = await service.submit("restless", {}, options);
  const [task, result] = ["", "/result"].map((path) => {
    return new Held(service, service.get(`/v1/tasks/${id}${path}?wait=600`));
  });
  await eventually(async () => {
    const { state, attempt } = await service.task(id);
    return attempt === 3 && state.type === "RUNNING";
  });
  for (const one of [task, result]) await one.requireHeld([], "it ran again");
  gates.open(id, "in the end");
  assert.equal((await task.answer).body.state.type, "COMPLETED");
  assert.deepEqual([(await result.answer).status, (await result.answer).body.result], [200, null]);
});

Deno.test("Prefer: wait is held until the end, whatever state the task goes through", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: definitionsOf(gates) });
  const headers = { prefer: "wait=600" };
  const id = crypto.randomUUID();
  const held = new Held(service, service.post("/v1/tasks", { task: "gate", input: null, id }, { headers }));
  await eventually(async () => (await service.get(`/v1/tasks/${id}`)).body.state?.type === "RUNNING");
  await held.requireHeld([], "it ran");
  gates.open(id, "value");
  const { status, body } = await held.answer;
  assert.deepEqual([status, body.result], [200, "value"]);
});

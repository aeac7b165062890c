import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, eventsOf, type Service, type StreamEvent } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";
import { Folder } from "../../support/folder.ts";

const input = { a: 1, b: 2 };

/** Reads a stream until `isLast`; then its connection is closed. */
async function until(
  service: Service,
  query: string,
  isLast: (events: StreamEvent[]) => boolean,
  meanwhile: () => Promise<unknown> = async () => {},
  headers: Record<string, string> = {},
): Promise<StreamEvent[]> {
  const response = await service.open(`/v1/events${query}`, { headers });
  assert.equal(response.status, 200, response.status === 200 ? "" : await response.text());
  const working = meanwhile();
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) {
    events.push(event);
    if (isLast(events)) break;
  }
  await working;
  return events;
}

const told = (events: StreamEvent[]) =>
  events.filter(({ event }) => event === "state").map(({ data }) => `${data.task} ${data.state.type}`);
const ended = (many: number) => (events: StreamEvent[]) =>
  events.filter(({ data }) => ["COMPLETED", "FAILED", "CANCELLED"].includes(data.state?.type)).length >= many;

Deno.test("every transition is told, as it happens, in the order of each task", async () => {
  await using service = await aService();
  const events = await until(service, "", ended(2), async () => {
    await service.run("add", input, { tags: ["t"] });
    await service.run("fail", { message: "no" }, { retry: { maxAttempts: 2, delayMs: 0 } });
  });
  assert.deepEqual(told(events).filter((line) => line.startsWith("add")), [
    "add PENDING",
    "add RUNNING",
    "add COMPLETED",
  ]);
  assert.deepEqual(told(events).filter((line) => line.startsWith("fail")), [
    "fail PENDING",
    "fail RUNNING",
    "fail SCHEDULED",
    "fail PENDING",
    "fail RUNNING",
    "fail FAILED",
  ]);
  const { data } = events.find(({ data }) => data.state?.type === "COMPLETED")!;
  const task = await service.task(data.id);
  assert.deepEqual([data.state, data.seq, data.attempt], [task.state, 3, 1]);
  assert.deepEqual([data.tags, data.queue, data.groupId, data.parentId], [["t"], "default", null, null]);
});

Deno.test("a stream goes on behind the event that was received last, in another process too", async () => {
  await using folder = await Folder.with();
  const path = folder.at("kv");
  await using a = await aService({ path });
  await using b = await aService({ path, running: false });
  const first = await until(a, "", ended(2), async () => {
    for (let n = 0; n < 4; n++) await a.submit("add", input);
  });
  const seen = new Map(first.map(({ id, data }) => [`${data.id} ${data.seq}`, id]));
  const rest = await until(b, "", (events) => seen.size + told(events).length === 12, undefined, {
    "last-event-id": first.at(-1)!.id,
  });
  for (const { event, data } of rest) {
    assert.equal(event, "state");
    assert.ok(!seen.has(`${data.id} ${data.seq}`), "told twice");
  }
  // From any place of it, by `after` as well.
  const again = await until(b, `?after=${first[1].id}`, (events) => events.length === 10);
  assert.deepEqual(again.map(({ data }) => data), [...first.slice(2), ...rest].map(({ data }) => data));
});

Deno.test("a stream tells what fits its filters, and a tenant's stream its tenant's tasks", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const made = await service.post("/v1/keys", { name: "a", scopes: ["admin"], tenant: "acme" }, boss);
  const acme = { authorization: `Bearer ${made.body.secret}` };
  const work = async () => {
    const submit = (task: string, input: unknown, options: unknown, headers: Record<string, string>) =>
      service.post("/v1/tasks", { task, input, options }, { headers });
    await submit("add", input, { queue: "gpu" }, boss.headers);
    await submit("echo", { value: 1 }, { tags: ["mine"] }, boss.headers);
    await submit("add", input, {}, acme);
    await submit("fail", { message: "no" }, {}, boss.headers);
  };
  const cases: [string, Record<string, string>, string[]][] = [
    ["?state=FAILED,COMPLETED&queue=gpu", boss.headers, ["add COMPLETED"]],
    ["?tag=mine&state=completed", boss.headers, ["echo COMPLETED"]],
    ["?task=fail&state=FAILED", boss.headers, ["fail FAILED"]],
    ["?state=COMPLETED", acme, ["add COMPLETED"]],
  ];
  const streams = cases.map(([query, headers, lines]) =>
    until(service, query, (events) => told(events).length === lines.length, async () => {}, headers)
  );
  // The streams are open when their first calls have been answered.
  await Promise.all(cases.map(([query, headers]) =>
    service.open(`/v1/events${query}`, { headers })
      .then((response) => response.body!.cancel())
  ));
  await work();
  for (const [i, stream] of streams.entries()) assert.deepEqual(told(await stream), cases[i][2]);
  const { body } = await service.post("/v1/tasks/batch", {
    tasks: [{ task: "echo", input: { value: 1 } }],
    group: true,
  }, { headers: acme });
  const other = await service.open(`/v1/events?groupId=${body.groupId}`, boss);
  assert.equal(other.status, 200);
  await other.body!.cancel();
});

Deno.test("where something may be missing a gap is told: behind a long pause, and of a place that is gone", async () => {
  await using service = await aService();
  const [first] = await until(service, "", ended(1), () => service.run("add", input));
  const gap = await until(service, "?after=900-0", (events) => events.length === 1);
  assert.deepEqual(gap.map(({ event }) => event), ["gap"]);
  // Its id leads on, without another gap.
  const next = await until(service, `?after=${gap[0].id}`, ended(1), () => service.run("add", input));
  assert.deepEqual([...new Set(next.map(({ event }) => event))], ["state"]);
  await service.kv.writeBlind([{ key: ["transitions", Number(first.id.split("-")[0])] }], 0);
  const old = await until(service, `?after=${first.id}`, (events) => events.length >= 1);
  assert.equal(old[0].event, "gap");
  for (const after of ["1", "x-1", "-1-0", "1-0-0"]) {
    assertProblem(await service.get(`/v1/events?after=${after}`), 422, "validation-failed", "/query/after");
  }
});

Deno.test("while nobody reads, nothing is written", async () => {
  await using service = await aService();
  const logged = async () => (await service.kv.list({ prefix: ["transitions"] }, { limit: 100 })).length;
  await service.run("add", input);
  assert.equal(await logged(), 0);
  await until(service, "", ended(1), () => service.run("add", input));
  assert.ok(await logged() > 0);
});

// What keeps the service within its bounds: a full queue, too many that wait, slow and vanishing clients.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Service } from "../support/service.ts";
import { Folder } from "../support/folder.ts";
import { onConnections, SlowCaller } from "../support/on_connections.ts";
import { eventually } from "../support/waiting.ts";

const input = { a: 1, b: 2 };

Deno.test("a submit beyond maxQueued is 429 queue-full, and there is room again when tasks were claimed", async () => {
  await using service = await aService({ running: false, maxQueued: 5 });
  for (let i = 0; i < 3; i++) await service.submit("add", input);
  const three = { tasks: [1, 2, 3].map(() => ({ task: "add", input })) };
  const refused = await service.post("/v1/tasks/batch", three);
  assertProblem(refused, 429, "queue-full");
  assert.equal(refused.headers.get("retry-after"), "2");
  assert.match(refused.body.detail, /^3 tasks wait for a worker; the limit is 5 \(MAX_QUEUED\)/);
  await service.submit("add", input);
  const last = await service.submit("add", input);
  assertProblem(await service.post("/v1/tasks", { task: "add", input }), 429, "queue-full");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 5);
  // Its time may come while the queue is as full.
  assertProblem(
    await service.post("/v1/tasks", { task: "add", input, options: { delayMs: 60_000 } }),
    429,
    "queue-full",
  );
  await service.runtime.start();
  await service.ended(last.id);
  await service.submit("add", input);
});

Deno.test("a repeated call is answered from its key also when the queue is full", async () => {
  await using service = await aService({ running: false, maxQueued: 1 });
  const headers = { "idempotency-key": "k" };
  const first = await service.post("/v1/tasks", { task: "add", input }, { headers });
  const again = await service.post("/v1/tasks", { task: "add", input }, { headers });
  assert.deepEqual([first.status, again.status], [202, 202]);
  assert.equal(again.body.id, first.body.id);
  assertProblem(await service.post("/v1/tasks", { task: "add", input }), 429, "queue-full");
});

Deno.test("a queue that another process has filled, or emptied, is counted before it is called full", async () => {
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  await using one = await aService({ path, running: false, maxQueued: 50 });
  await using other = await aService({ path, running: false, maxQueued: 50 });
  const batch = { tasks: Array.from({ length: 40 }, () => ({ task: "add", input })) };
  assert.equal((await one.post("/v1/tasks/batch", batch)).status, 202);
  // This process has not heard of them. It does not count as long as there seems to be room.
  assert.equal((await other.post("/v1/tasks/batch", batch)).status, 202);
  assertProblem(await other.post("/v1/tasks/batch", batch), 429, "queue-full");
  assertProblem(await one.post("/v1/tasks/batch", batch), 429, "queue-full");
  await one.runtime.start();
  await eventually(async () => (await other.post("/v1/tasks/batch", batch)).status === 202);
});

Deno.test("streams and waits beyond maxWaiting are 429, and a closed one makes room", async () => {
  await using service = await aService({ maxWaiting: 2 });
  const { id } = await service.submit("sleep", { ms: 60_000 });
  const [events, completed] = [
    await service.open(`/v1/tasks/${id}/events`),
    await service.open(`/v1/as-completed?id=${id}`),
  ];
  for (
    const refused of [
      await service.get(`/v1/tasks/${id}/events`),
      await service.get(`/v1/as-completed?id=${id}`),
      await service.get(`/v1/tasks/${id}?wait=1`),
      await service.get(`/v1/tasks/${id}/result?wait=1`),
      await service.post("/v1/wait", { ids: [id], timeoutSeconds: 1 }),
    ]
  ) {
    assertProblem(refused, 429, "rate-limited");
    assert.equal(refused.headers.get("retry-after"), "5");
  }
  // What does not wait needs no room.
  assert.equal((await service.get(`/v1/tasks/${id}`)).status, 200);
  await events.body!.cancel();
  await eventually(async () => (await service.get(`/v1/tasks/${id}?wait=0.01`)).status === 200);
  await completed.body!.cancel();
  await service.post(`/v1/tasks/${id}/cancel`);
});

Deno.test("what is refused or ends gives its place back", async () => {
  await using service = await aService({ maxWaiting: 1 });
  const { id } = await service.run("add", input);
  for (let i = 0; i < 3; i++) {
    assert.equal((await service.get("/v1/as-completed?id=01999999-9999-7999-8999-999999999999")).status, 404);
    assert.equal((await service.events(`/v1/as-completed?id=${id}`)).at(-1)!.event, "end");
    assert.equal((await service.events(`/v1/tasks/${id}/events`)).at(-1)!.event, "end");
    assert.equal((await service.request("HEAD", `/v1/tasks/${id}/events`)).status, 200);
    const end = (await service.events(`/v1/as-completed?id=${id}`)).at(-1)!.id;
    const done = await service.open(`/v1/as-completed?id=${id}`, { headers: { "last-event-id": end } });
    assert.equal(done.status, 204);
  }
});

async function connect(service: Service): Promise<Deno.Conn> {
  const { hostname, port } = new URL(service.listen());
  return await Deno.connect({ hostname, port: Number(port) });
}

Deno.test("a thousand streams that come and vanish leave nothing behind", async () => {
  await using service = await aService();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  const url = service.listen();
  for (let round = 0; round < 10; round++) {
    const connections = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const { hostname, port } = new URL(url);
      const connection = await Deno.connect({ hostname, port: Number(port) });
      const path = i % 2 === 0 ? `/v1/tasks/${id}/events` : `/v1/as-completed?id=${id}`;
      await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
      // Half of them wait for the first bytes, half vanish at once.
      if (i % 4 < 2) await connection.read(new Uint8Array(512));
      return connection;
    }));
    for (const connection of connections) connection.close();
  }
  await eventually(() => service.runtime.watched === 0, () => `${service.runtime.watched} are watched`);
  await service.post(`/v1/tasks/${id}/cancel`);
});

Deno.test("a reader that takes nothing holds up nobody else", async () => {
  await using service = await aService();
  const value = "x".repeat(500_000);
  const ids: string[] = [];
  for (let i = 0; i < 30; i++) ids.push((await service.submit("echo", { value })).id);
  await service.ended(ids.at(-1)!);
  const slow = await connect(service);
  const query = ids.map((id) => `id=${id}`).join("&");
  await slow.write(new TextEncoder().encode(`GET /v1/as-completed?${query} HTTP/1.1\r\nhost: x\r\n\r\n`));
  await slow.read(new Uint8Array(100));
  const events = await service.events(`/v1/as-completed?${query}`);
  assert.equal(events.length, 31);
  assert.equal(await (await service.ended((await service.submit("add", input)).id)).result, 3);
  slow.close();
  await eventually(() => service.runtime.watched === 0);
});

Deno.test("a reader that has stopped taking anything is let go after a while, and can go on where it was", async () => {
  await using service = await aService({ pingMs: 30, maxWaiting: 1 });
  const value = "x".repeat(500_000);
  const batch = {
    tasks: Array.from({ length: 30 }, () => ({ task: "echo", input: { value } })),
    group: true,
  };
  const { body: { groupId } } = await service.post("/v1/tasks/batch", batch);
  const path = `/v1/as-completed?groupId=${groupId}`;
  const slow = await connect(service);
  await slow.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
  await slow.read(new Uint8Array(100));
  await eventually(async () => {
    const answer = await service.open(path);
    await answer.body?.cancel();
    return answer.status === 200;
  });
  slow.close();
  assert.equal((await service.events(path)).length, 31);
});

Deno.test("a stuck reader of a stream loses its connection too, and what it has not taken is freed with it", async () => {
  await using service = await aService({ pingMs: 30 });
  const value = "x".repeat(500_000);
  const batch = {
    tasks: Array.from({ length: 30 }, () => ({ task: "echo", input: { value } })),
    group: true,
  };
  const { body: { groupId } } = await service.post("/v1/tasks/batch", batch);
  const listener = onConnections(service);
  for (const path of [`/v1/as-completed?groupId=${groupId}`]) {
    const caller = await SlowCaller.to(listener);
    await caller.send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await caller.hears(/event: task/);
    await eventually(() => listener.connections === 0, "its connection is kept");
    caller.close();
  }
  await listener.shutdown();
});

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { allEvents, type Body, firstEvents, type StreamEvent } from "../support/service.ts";
import { aDatabase, Server } from "../support/server_process.ts";

Deno.test("after kill -9 finished tasks are there, waiting ones run, running ones run again after their lease", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "2000", CONCURRENCY: "1" };
  let finished: string, running: string, waiting: string, delayed: string;
  const large = "x".repeat(200_000);
  {
    await using server = await Server.start(env);
    finished = (await server.submit("echo", { value: large })).id;
    assert.equal((await server.ended(finished)).state.type, "COMPLETED");
    running = (await server.submit("sleep", { ms: 5_000, value: "ran again" })).id;
    await server.until(running, "RUNNING");
    waiting = (await server.submit("add", { a: 1, b: 2 })).id;
    delayed = (await server.submit("add", { a: 2, b: 2 }, { delayMs: 300 })).id;
    const { signal } = await server.end("SIGKILL");
    assert.equal(signal, "SIGKILL");
  }
  await using server = await Server.start({ ...env, CONCURRENCY: "10" });
  assert.ok((await server.task(finished)).result === large);
  assert.equal((await server.ended(waiting)).result, 3);
  assert.equal((await server.ended(delayed)).result, 4);
  const again = await server.ended(running);
  assert.deepEqual([again.state.type, again.result, again.attempt], ["COMPLETED", "ran again", 1]);
  assert.deepEqual(again.history.map(({ type }: { type: string }) => type), [
    "PENDING",
    "RUNNING",
    "PENDING",
    "RUNNING",
    "COMPLETED",
  ]);
});

Deno.test("a task whose workers die more than maxCrashes times ends CRASHED", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1500" };
  let ids: string[], groupId: string;
  {
    await using server = await Server.start(env);
    const { id } = await server.submit("sleep", { ms: 60_000 }, { maxCrashes: 0 });
    const { id: later } = await server.submit("add", { a: 1, b: 2 }, { delayMs: 3_600_000 });
    ids = [id, later];
    groupId = (await server.fetch("/v1/groups", posted({ ids }))).body.id;
    await server.until(id, "RUNNING");
    await server.end("SIGKILL");
  }
  await using server = await Server.start(env);
  const [id, later] = ids;
  const task = await server.ended(id);
  assert.deepEqual([task.state.type, task.state.name], ["CRASHED", "Crashed"]);
  assert.equal((await server.fetch(`/v1/tasks/${id}/result`)).status, 424);
  const { body: value } = await server.fetch(`/v1/tasks/${id}/result?raiseOnFailure=false`);
  assert.deepEqual([value.result, value.error], [null, task.error]);
  // It is an exception to who waits for one: held, it would be answered after 60 s.
  for (const which of [{ ids }, { groupId }]) {
    const since = performance.now();
    const { body } = await server.fetch("/v1/wait", posted({ ...which, returnWhen: "FIRST_EXCEPTION" }));
    assert.ok(performance.now() - since < 55_000, `it was held: ${JSON.stringify(which)}`);
    assert.deepEqual([body.done, body.notDone].map(([{ id }]) => id), [id, later]);
  }
  await server.fetch(`/v1/tasks/${later}/cancel`, posted({}));
  const { body: group } = await server.fetch(`/v1/groups/${groupId}?wait=30`);
  assert.deepEqual([group.state, group.errors.map((error: Body) => error.id)], ["FAILED", [id]]);
  assert.equal((await server.fetch(`/v1/groups/${groupId}/results`)).status, 424);
});

function posted(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

Deno.test("as-completed and events go on across a kill -9 with each event once", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1500" };
  const ids: string[] = [];
  let counting: string, seen: StreamEvent[], states: StreamEvent[];
  const path = () => `/v1/as-completed?${ids.map((id) => `id=${id}`).join("&")}`;
  {
    await using server = await Server.start(env);
    for (const ms of [0, 1, 2, 500, 600]) ids.push((await server.submit("sleep", { ms })).id);
    counting = (await server.submit("countdown", { from: 40, stepMs: 20 })).id;
    seen = await firstEvents(await fetch(server.url + path()), 2);
    states = await firstEvents(await fetch(`${server.url}/v1/tasks/${counting}/events`), 5);
    await server.end("SIGKILL");
  }
  await using server = await Server.start(env);
  const headers = { "last-event-id": seen.at(-1)!.id };
  const rest = await allEvents(await fetch(server.url + path(), { headers }));
  const told = [...seen, ...rest].filter(({ event }) => event === "task").map(({ data }) => data.id);
  assert.deepEqual(told.toSorted(), ids.toSorted());
  assert.deepEqual(rest.at(-1)!.data, { total: 5, yielded: 5 });
  const more = await allEvents(
    await fetch(`${server.url}/v1/tasks/${counting}/events`, {
      headers: { "last-event-id": states.at(-1)!.id },
    }),
  );
  const all = [...states, ...more];
  assert.deepEqual(all.map(({ id }) => id), all.map((_, i) => String(i + 1)));
  assert.equal(all.at(-1)!.event, "end");
  assert.deepEqual(all.filter(({ event }) => event === "result").map(({ data }) => data.result), ["liftoff"]);
});

Deno.test("an Idempotency-Key holds across a kill -9", async () => {
  await using database = await aDatabase();
  const call = {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "k" },
    body: JSON.stringify({ task: "add", input: { a: 1, b: 2 } }),
  };
  let first: string;
  {
    await using server = await Server.start({ KV_PATH: database.path });
    first = (await server.fetch("/v1/tasks", call)).body.id;
    await server.end("SIGKILL");
  }
  await using server = await Server.start({ KV_PATH: database.path });
  const again = await server.fetch("/v1/tasks", call);
  assert.deepEqual([again.body.id, again.headers.get("idempotency-replayed")], [first, "true"]);
});

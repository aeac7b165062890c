import "../strict.ts";
import assert from "node:assert/strict";
import type { Task } from "../../demo/task.ts";
import { completions } from "../../demo/completions.ts";

const event = (id: string, name: string, data: unknown) =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const task = (id: string) => event(`c${id}`, "task", { id });
const end = event("e", "end", { total: 2, yielded: 2 });
const stream = (body: BodyInit) => new Response(body, { headers: { "content-type": "text/event-stream" } });

/** Answers the n-th request with the n-th answer, and tells the Last-Event-ID of each. */
async function read(...answers: (() => Response)[]) {
  const lastIds: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    lastIds.push(request.headers.get("last-event-id"));
    return answers[Math.min(lastIds.length, answers.length) - 1]();
  });
  const tasks: Task[] = [];
  let error: Error | null = null;
  try {
    for await (const task of completions(`http://127.0.0.1:${server.addr.port}/`, { pauseMs: 1 })) {
      tasks.push(task);
    }
  } catch (thrown) {
    error = thrown as Error;
  }
  await server.shutdown();
  return { ids: tasks.map(({ id }) => id), lastIds, error };
}

Deno.test("completions() gives the tasks of the stream, to its end", async () => {
  const { ids, lastIds, error } = await read(() => stream(": ping\n\n" + task("1") + task("2") + end));
  assert.equal(error, null);
  assert.deepEqual(ids, ["1", "2"]);
  assert.deepEqual(lastIds, [null]);
});

Deno.test("completions() goes on after the last task when the stream stops without an end", async () => {
  const { ids, lastIds, error } = await read(() => stream(task("1")), () => stream(task("2") + end));
  assert.equal(error, null);
  assert.deepEqual(ids, ["1", "2"]);
  assert.deepEqual(lastIds, [null, "c1"]);
});

Deno.test("completions() drops half an event of a stream that stops, and gets it whole", async () => {
  const half = () => stream(task("1") + task("2").slice(0, -3));
  const { ids, lastIds, error } = await read(half, () => stream(task("2") + end));
  assert.equal(error, null);
  assert.deepEqual(ids, ["1", "2"]);
  assert.deepEqual(lastIds, [null, "c1"]);
});

Deno.test("completions() goes on after the last task when the connection breaks", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const requests: string[] = [];
  const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const answering = (async () => {
    // Only the second answer has the empty chunk that says that it is whole.
    for (const body of [chunked(task("1")), chunked(task("2") + end) + "0\r\n\r\n"]) {
      using connection = await listener.accept();
      const buffer = new Uint8Array(4_096);
      requests.push(new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0)));
      const head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
      await connection.write(new TextEncoder().encode(head + body));
    }
  })();
  const ids: string[] = [];
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  for await (const { id } of completions(url, { pauseMs: 1 })) ids.push(id);
  await answering;
  listener.close();
  assert.deepEqual(ids, ["1", "2"]);
  assert.match(requests[1], /^last-event-id: c1\r$/mi);
});

Deno.test("completions() stops where everything was delivered before", async () => {
  const { ids, error } = await read(() => stream(task("1")), () => new Response(null, { status: 204 }));
  assert.equal(error, null);
  assert.deepEqual(ids, ["1"]);
});

Deno.test("completions() reports a refusal at once", async () => {
  const { lastIds, error } = await read(() => Response.json({ detail: "no such group" }, { status: 404 }));
  assert.match(error!.message, /answered with 404: .*no such group/);
  assert.equal(lastIds.length, 1);
});

Deno.test("completions() gives up after five connections that bring nothing", async () => {
  const { lastIds, error } = await read(() => stream(": ping\n\n"));
  assert.match(error!.message, /brought nothing on 5 connections/);
  assert.equal(lastIds.length, 5);
});

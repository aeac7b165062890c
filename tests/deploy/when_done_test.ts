import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { whenDone } from "../../deploy/when_done.ts";

function counted(response: Response): { response: Response; done: () => number } {
  let count = 0;
  return { response: whenDone(response, () => count++), done: () => count };
}

Deno.test("a response without a body is over at once", () => {
  const { response, done } = counted(new Response(null, { status: 204, headers: { "x-a": "b" } }));
  assert.deepEqual([done(), response.status, response.headers.get("x-a")], [1, 204, "b"]);
});

Deno.test("a response is over when its body has been read, and is the same otherwise", async () => {
  const { response, done } = counted(new Response("hello", { status: 202, headers: { location: "/x" } }));
  assert.equal(done(), 0);
  assert.equal(await response.text(), "hello");
  assert.deepEqual([done(), response.status, response.headers.get("location")], [1, 202, "/x"]);
});

Deno.test("a response is over when nobody wants the rest of it, and the source hears of it", async () => {
  let cancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(8)),
    cancel: () => void (cancelled = true),
  });
  const { response, done } = counted(new Response(body));
  const reader = response.body!.getReader();
  await reader.read();
  assert.equal(done(), 0);
  await reader.cancel();
  assert.deepEqual([done(), cancelled], [1, true]);
});

Deno.test("a response is over when its source fails, and the reader hears of it", async () => {
  const body = new ReadableStream({
    pull: (controller) => controller.error(new Error("the source failed")),
  });
  const { response, done } = counted(new Response(body));
  await assert.rejects(response.text(), /the source failed/);
  assert.equal(done(), 1);
});

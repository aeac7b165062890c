import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Hono } from "hono";
import { type SseEvent, sseResponse } from "../../../routes/http/sse.ts";
import { Heartbeat } from "../../../routes/http/heartbeat.ts";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { turn } from "../../support/waiting.ts";

/** A stream whose second batch fails when the test says so. */
async function failing() {
  const told: unknown[] = [];
  const failure = Promise.withResolvers<never>();
  async function* batches(): AsyncGenerator<SseEvent[]> {
    yield [{ id: "1", event: "state", data: "{}" }];
    yield await failure.promise;
  }
  const app = new Hono().get("/", (c) =>
    sseResponse(c, batches(), {
      heartbeat: new Heartbeat(60_000),
      giveBack: () => {},
      abort: new AbortController(),
      onError: (error) => told.push(error),
    }));
  const response = await app.request("/");
  const reader = response.body!.getReader();
  await reader.read();
  await reader.read();
  await turn(); // The next batch is requested ahead of the reader.
  return { told, reader, fail: (error: Error) => failure.reject(error) };
}

Deno.test("a stream whose reader is gone says nothing of a database that is closed, but of all else", async () => {
  const closed = await failing();
  await closed.reader.cancel();
  closed.fail(new UnavailableError("closed"));
  await turn();
  assert.deepEqual(closed.told, []);
  const broken = await failing();
  await broken.reader.cancel();
  const fault = new TypeError("a fault");
  broken.fail(fault);
  await turn();
  assert.ok(broken.told.includes(fault));
});

Deno.test("a stream that somebody reads tells that the database is away", async () => {
  const { told, reader, fail } = await failing();
  const error = new UnavailableError("away");
  fail(error);
  await assert.rejects(reader.read());
  assert.deepEqual(told, [error]);
});

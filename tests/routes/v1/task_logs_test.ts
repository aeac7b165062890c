import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, type Body, UNKNOWN_ID } from "../../support/service.ts";

const talk = define(
  { name: "talk", input: z.object({ lines: z.int() }) },
  ({ input, log, progress, emit }) => {
    for (let n = 0; n < input.lines; n++) {
      progress(n, input.lines);
      emit(n);
      log(`line ${n}`, n % 2 === 0 ? { n } : undefined);
    }
  },
);

Deno.test("a task's log is read page by page: its lines alone, each once, in order", async () => {
  await using service = await aService({ definitions: [talk] });
  const { id } = await service.run("talk", { lines: 12 });
  const all: Body[] = [];
  for (let after: number | null = 0; after !== null;) {
    const { status, body, text } = await service.get(`/v1/tasks/${id}/logs?after=${after}&limit=5`);
    assert.equal(status, 200, text);
    assert.ok(body.logs.length <= 5);
    all.push(...body.logs);
    after = body.nextAfter;
  }
  assert.deepEqual(all.map(({ message }) => message), Array.from({ length: 12 }, (_, n) => `line ${n}`));
  assert.deepEqual(all.map(({ data }) => data), all.map((_, n) => n % 2 === 0 ? { n } : null));
  assert.deepEqual(all.map(({ attempt }) => attempt), all.map(() => 1));
  const seqs = all.map(({ seq }) => seq);
  assert.deepEqual(seqs, seqs.toSorted((a, b) => a - b));
  // As the stream has them.
  const streamed = (await service.events(`/v1/tasks/${id}/events`)).filter(({ event }) => event === "log");
  assert.deepEqual(all, streamed.map(({ data }) => data));
  const last = await service.get(`/v1/tasks/${id}/logs?after=${seqs.at(-1)}`);
  assert.deepEqual(last.body, { logs: [], nextAfter: null });
});

Deno.test("a task without a log has an empty one; a wrong place or id is told", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", { a: 1, b: 2 });
  assert.deepEqual((await service.get(`/v1/tasks/${id}/logs`)).body, { logs: [], nextAfter: null });
  assertProblem(await service.get(`/v1/tasks/${UNKNOWN_ID}/logs`), 404, "not-found");
  for (const [query, part] of [["after=-1", "after"], ["limit=0", "limit"], ["limit=1001", "limit"]]) {
    const answer = await service.get(`/v1/tasks/${id}/logs?${query}`);
    assertProblem(answer, 422, "validation-failed", `/query/${part}`);
  }
});

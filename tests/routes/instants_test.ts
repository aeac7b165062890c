// An instant that cannot be one is told what it lacks, wherever one is given.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem } from "../support/service.ts";

const CASES: [given: unknown, said: string][] = [
  ["2026-11-20T10:00:00", "must have an offset: end it with Z for UTC, or with one such as +02:00"],
  ["2026-11-20T10:00:00.5", "must have an offset: end it with Z for UTC, or with one such as +02:00"],
  ["2026-11-20", "must have a time and an offset, such as 2026-11-20T00:00:00Z"],
  ["2026-11-20 10:00:00Z", "must have a T between the day and the time"],
  ["tomorrow", "must be an instant in ISO 8601 with an offset, such as 2026-11-20T10:00:00Z"],
  ["2026-02-30T10:00:00Z", "must be an instant in ISO 8601 with an offset, such as 2026-11-20T10:00:00Z"],
  [1_763_632_800_000, "must be an instant in ISO 8601 with an offset, such as 2026-11-20T10:00:00Z"],
];

Deno.test("an instant without an offset, a time or a T is told so", async () => {
  await using service = await aService({ running: false });
  const add = { task: "add", input: { a: 1, b: 2 } };
  for (const [given, said] of CASES) {
    const message = `${said} (got ${JSON.stringify(given)})`;
    for (const field of ["runAt", "expiresAt"]) {
      const options = { [field]: given };
      const calls: [string, unknown, string][] = [
        ["/v1/tasks", { ...add, options }, `/options/${field}`],
        ["/v1/tasks/batch", { tasks: [add, { ...add, options }] }, `/tasks/1/options/${field}`],
        ["/v1/map", { task: "add", map: { a: [1] }, options }, `/options/${field}`],
        ["/v1/flows", { chain: [{ ...add, options }] }, `/chain/0/options/${field}`],
      ];
      for (const [path, body, pointer] of calls) {
        const answer = await service.post(path, body);
        assertProblem(answer, 422, "validation-failed", pointer);
        assert.equal(answer.body.errors[0].message, message, path);
      }
    }
    if (typeof given !== "string") continue;
    for (const field of ["createdAfter", "createdBefore"]) {
      const answer = await service.get(`/v1/tasks?${field}=${encodeURIComponent(given)}`);
      assertProblem(answer, 422, "validation-failed", `/query/${field}`);
      assert.equal(answer.body.errors[0].message, message);
    }
  }
});

Deno.test("a + of an offset that a query has made a space of is told to be written %2B", async () => {
  await using service = await aService({ running: false });
  const answer = await service.get("/v1/tasks?createdAfter=2026-11-20T10:00:00+02:00");
  assertProblem(answer, 422, "validation-failed", "/query/createdAfter");
  assert.match(answer.body.detail, /must have its \+ written %2B/);
  assert.equal((await service.get("/v1/tasks?createdAfter=2026-11-20T10:00:00%2B02:00")).status, 200);
});

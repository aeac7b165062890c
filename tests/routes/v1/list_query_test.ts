// States and flags in queries, as callers write them.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Body } from "../../support/service.ts";

Deno.test("a list is asked for by types of states in any case, one or several", async () => {
  await using service = await aService();
  const failed = await service.run("fail", { message: "no" });
  const completed = await service.run("add", { a: 1, b: 2 });
  const later = await service.submit("add", { a: 1, b: 2 }, { delayMs: 600_000 });
  const cancelled = await service.submit("add", { a: 1, b: 2 }, { delayMs: 600_000 });
  await service.post(`/v1/tasks/${cancelled.id}/cancel`);
  const cases: [string, Body[]][] = [
    ["state=failed", [failed]],
    ["state=Failed", [failed]],
    ["state=FAILED,CRASHED", [failed]],
    ["state=FAILED&state=completed", [completed, failed]],
    ["state=failed,cancelled", [cancelled, failed]],
    ["state=failed%2C%20scheduled&state=completed", [later, completed, failed]],
    ["state=SCHEDULED,SCHEDULED", [later]],
    ["state=scheduled,failed&task=add", [later]],
    ["state=completed,scheduled&limit=1", [later]],
  ];
  for (const [query, tasks] of cases) {
    const { status, body, text } = await service.get(`/v1/tasks?${query}`);
    assert.equal(status, 200, text);
    assert.deepEqual(body.tasks.map(({ id }: Body) => id), tasks.map(({ id }) => id), query);
  }
  const first = await service.get("/v1/tasks?state=completed,scheduled&limit=1");
  const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get("link") ?? "")![1];
  assert.deepEqual((await service.get(next)).body.tasks.map(({ id }: Body) => id), [completed.id]);
});

Deno.test("what is no type of a state is told which one has it as a name, or which there are", async () => {
  await using service = await aService({ running: false });
  const cases: [string, RegExp][] = [
    ["state=TimedOut", /TIMEDOUT is the name of a state of the type FAILED/],
    ["state=failed,awaitingretry", /AWAITINGRETRY is the name of a state of the type SCHEDULED/],
    ["state=FAILD", /did you mean "FAILED"\?/],
    ["state=DONE", /known: SCHEDULED, PENDING, .*CANCELLED/],
    ["state=", /known: SCHEDULED/],
    ["state=FAILED,", /known: SCHEDULED/],
  ];
  for (const [query, said] of cases) {
    const answer = await service.get(`/v1/tasks?${query}`);
    assertProblem(answer, 422, "validation-failed", "/query/state");
    assert.match(answer.body.detail, said);
  }
});

Deno.test("a flag may be spelled as Python does, and seconds with an exponent", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "no" });
  const result = `/v1/tasks/${id}/result`;
  for (const spelled of ["false", "False", "FALSE"]) {
    assert.equal((await service.get(`${result}?raiseOnFailure=${spelled}`)).status, 200, spelled);
  }
  for (const spelled of ["true", "True"]) {
    assert.equal((await service.get(`${result}?raiseOnFailure=${spelled}`)).status, 424, spelled);
  }
  assertProblem(
    await service.get(`${result}?raiseOnFailure=no`),
    422,
    "validation-failed",
    "/query/raiseOnFailure",
  );
  for (const wait of ["1e1", "1.5E-3", "2.5"]) {
    assert.equal((await service.get(`/v1/tasks/${id}?wait=${wait}`)).status, 200, wait);
  }
  for (const wait of ["1e999", "e1", "1e", "-1", "0x1", " 1", "Infinity"]) {
    const answer = await service.get(`/v1/tasks/${id}?wait=${encodeURIComponent(wait)}`);
    assertProblem(answer, 422, "validation-failed", "/query/wait");
  }
});

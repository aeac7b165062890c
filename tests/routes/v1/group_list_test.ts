import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { keys } from "../../../runtime/platform/keys.ts";

const add = { task: "add", input: { a: 1, b: 2 } };

/** All pages, however short each of them is. */
async function listed(service: Service, query = "", headers?: Record<string, string>): Promise<Body[]> {
  const groups: Body[] = [];
  for (let path: string | null = `/v1/groups?${query}`; path !== null;) {
    const { status, body, headers: { link }, text } = await page(service, path, headers);
    assert.equal(status, 200, text);
    groups.push(...body.groups);
    assert.equal(link === null, body.nextCursor === null);
    path = link && /^<([^>]+)>; rel="next"$/.exec(link)![1];
  }
  return groups;
}

async function page(service: Service, path: string, headers?: Record<string, string>) {
  const answer = await service.get(path, headers);
  return { ...answer, headers: { link: answer.headers.get("link") } };
}

async function aGroup(service: Service, tasks: Body[], options = {}): Promise<string> {
  const { body, text } = await service.post("/v1/map", {
    task: "echo",
    inputs: tasks.map((value) => ({ value })),
    options,
  });
  assert.ok(body.groupId, text);
  return body.groupId;
}

const ids = (groups: Body[]) => groups.map(({ id }) => id);

Deno.test("groups are listed newest first, each once, whatever the size of a page", async () => {
  await using service = await aService({ running: false });
  const made: string[] = [];
  for (let n = 0; n < 7; n++) made.unshift(await aGroup(service, [1, 2]));
  assert.deepEqual(ids(await listed(service)), made);
  for (const limit of [1, 2, 3, 7, 100]) {
    assert.deepEqual(ids(await listed(service, `limit=${limit}`)), made, `${limit} a page`);
  }
  const { body } = await service.get("/v1/groups?limit=7");
  assert.equal(body.nextCursor, null, "the last page has no other behind it");
});

Deno.test("a list says of a group how far it is, how it ended, and what its first tasks run", async () => {
  await using service = await aService();
  const { body: { groupId } } = await service.post("/v1/flows", {
    tasks: {
      bad: { task: "fail", input: { message: "no" } },
      good: add,
      last: { task: "add", input: { a: { $task: "good" }, b: 1 }, waitFor: ["bad"] },
    },
    options: { group: { onFailure: "cancel-rest" } },
  });
  await service.get(`/v1/groups/${groupId}?wait=30`);
  const [group] = await listed(service);
  const { body: one } = await service.get(`/v1/groups/${groupId}`);
  const { definitions, ended, ...rest } = group;
  assert.deepEqual([...definitions].sort(), ["add", "fail"]);
  assert.deepEqual(ended, one.counts);
  const { id, total, done, state, policy, createdAt, endedAt, links } = one;
  assert.deepEqual(rest, { id, total, done, state, policy, createdAt, endedAt, links });
  assert.equal(state, "FAILED");
});

Deno.test("groups are found by their state, and by when they were made", async () => {
  await using service = await aService();
  const { body: { groupId: failed } } = await service.post("/v1/map", {
    task: "fail",
    inputs: [{ message: "no" }],
  });
  await service.get(`/v1/groups/${failed}?wait=30`);
  const completed = await aGroup(service, [1]);
  await service.get(`/v1/groups/${completed}?wait=30`);
  const running = await aGroup(service, [1], { delayMs: 3_600_000 });
  const cases: [string, string[]][] = [
    ["state=RUNNING", [running]],
    ["state=failed", [failed]],
    ["state=COMPLETED,FAILED", [completed, failed]],
    ["state=running&state=failed&limit=1", [running, failed]],
    ["state=CANCELLED", []],
  ];
  for (const [query, wanted] of cases) assert.deepEqual(ids(await listed(service, query)), wanted, query);
  const [{ createdAt }] = await listed(service, "state=COMPLETED");
  const at = encodeURIComponent(createdAt);
  const after = ids(await listed(service, `createdAfter=${at}`));
  const before = ids(await listed(service, `createdBefore=${at}`));
  // Two may be of one millisecond.
  assert.deepEqual([after.includes(completed), before.includes(completed)], [false, false]);
  assert.deepEqual([after.includes(failed), before.includes(running)], [false, false]);
  assert.deepEqual(await listed(service, "createdBefore=2020-01-01T00:00:00Z"), []);
  assert.deepEqual(ids(await listed(service, "createdAfter=2020-01-01T00:00:00Z")), [
    running,
    completed,
    failed,
  ]);
});

Deno.test("a list of groups says what is wrong with what it is asked", async () => {
  await using service = await aService({ running: false });
  const cases: [string, string, RegExp][] = [
    ["state=FAILD", "/query/state", /states of groups.*did you mean "FAILED"\?/],
    ["state=CRASHED", "/query/state", /known: RUNNING, CANCELLING, COMPLETED, FAILED, CANCELLED/],
    ["limit=0", "/query/limit", /./],
    ["limit=101", "/query/limit", /100/],
    ["cursor=x", "/query/cursor", /UUID/i],
    ["createdAfter=yesterday", "/query/createdAfter", /./],
    ["tag=x", "/query/tag", /./],
  ];
  for (const [query, pointer, said] of cases) {
    const answer = await service.get(`/v1/groups?${query}`);
    assertProblem(answer, 422, "validation-failed", pointer);
    assert.match(answer.body.detail, said, query);
  }
});

Deno.test("a group that is gone is passed over, also at the end of a page", async () => {
  await using service = await aService({ running: false });
  const made: string[] = [];
  for (let n = 0; n < 4; n++) made.unshift(await aGroup(service, [1]));
  // As a release leaves it that knows no lists of groups.
  for (const gone of [made[1], made[3]]) await service.kv.writeBlind([{ key: keys.group(gone) }], 0);
  assert.deepEqual(ids(await listed(service)), [made[0], made[2]]);
  assert.deepEqual(ids(await listed(service, "limit=1")), [made[0], made[2]]);
});

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ManualClock } from "../../support/manual_clock.ts";
import { eventually } from "../../support/waiting.ts";
import { aService, type Service, type ServiceOptions } from "../../support/service.ts";

const DAILY = {
  task: "add",
  input: { a: 1, b: 2 },
  spec: [{ cron: "0 9 * * *", timezone: "Europe/Berlin" }],
};

/** Whose clock stands, so that what is said of the future is the same in every run. */
function aStandingService(options: ServiceOptions = {}): Promise<Service> {
  return aService({ running: false, clock: new ManualClock(), ...options });
}

const put = (service: Service, name: string, body: unknown) =>
  service.send("PUT", `/v1/schedules/${name}`, body);

Deno.test("PUT makes a schedule, and the same once more changes nothing", async () => {
  await using service = await aStandingService();
  const made = await put(service, "report", DAILY);
  assert.equal(made.status, 201);
  assert.equal(made.headers.get("location"), "/v1/schedules/report");
  assert.deepEqual(made.body, {
    name: "report",
    task: "add",
    input: { a: 1, b: 2 },
    spec: DAILY.spec,
    exclude: [],
    startAt: null,
    endAt: null,
    windowMs: 0,
    overlap: "skip",
    catchupMs: 3_600_000,
    pauseOnFailure: false,
    remaining: null,
    note: null,
    paused: null,
    next: [1, 2, 3, 4, 5].map((day) => `2030-01-0${day}T08:00:00.000Z`),
    nextFiresAt: "2030-01-01T08:00:00.000Z",
    last: null,
    running: [],
    fired: 0,
    skipped: 0,
    fault: null,
    declaredBy: null,
    createdAt: "2030-01-01T00:00:00.000Z",
    updatedAt: "2030-01-01T00:00:00.000Z",
    links: {
      self: "/v1/schedules/report",
      trigger: "/v1/schedules/report/trigger",
      pause: "/v1/schedules/report/pause",
      resume: "/v1/schedules/report/resume",
    },
  });
  const again = await put(service, "report", DAILY);
  assert.deepEqual([again.status, again.body], [200, made.body]);
  assert.deepEqual((await service.get("/v1/schedules/report")).body, made.body);
});

Deno.test("a schedule fires through the service, and its task says so on the wire", async () => {
  const clock = new ManualClock();
  await using service = await aService({ clock });
  await put(service, "s", { task: "add", input: { a: 1, b: 2 }, spec: [{ everyMs: 60_000 }] });
  clock.advance(60_000);
  const last = await eventually(
    async () => (await service.get("/v1/schedules/s")).body.last ?? false,
    "the schedule has not fired",
  );
  assert.equal(last.scheduledFor, "2030-01-01T00:01:00.000Z");
  const task = await service.until(last.taskId, "COMPLETED");
  assert.deepEqual(task.schedule, { name: "s", scheduledFor: "2030-01-01T00:01:00.000Z" });
  assert.equal(task.result, 3);
  const plain = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } });
  assert.equal("schedule" in plain.body, false);
});

Deno.test("PATCH changes what it names, and null takes a field away", async () => {
  await using service = await aStandingService();
  await put(service, "s", { ...DAILY, note: "the report", remaining: 3 });
  const changed = await service.send("PATCH", "/v1/schedules/s", {
    spec: [{ cron: "@hourly" }],
    overlap: "allow-all",
    note: null,
  });
  const { next, overlap, note, remaining, input } = changed.body;
  assert.deepEqual([changed.status, next[0], overlap, note, remaining, input], [
    200,
    "2030-01-01T01:00:00.000Z",
    "allow-all",
    null,
    3,
    { a: 1, b: 2 },
  ]);
  assert.equal((await service.send("PATCH", "/v1/schedules/none", { overlap: "skip" })).status, 404);
  const wrong = await service.send("PATCH", "/v1/schedules/s", { input: { a: "x" } });
  assert.deepEqual([wrong.status, wrong.body.errors[0].pointer], [422, "/input/a"]);
  assert.equal((await service.send("PATCH", "/v1/schedules/s", { spec: null })).status, 422);
});

Deno.test("a paused schedule has no next times, says why, and goes on behind now when it is resumed", async () => {
  await using service = await aStandingService();
  const { clock } = service.runtime as unknown as { clock: ManualClock };
  await put(service, "s", DAILY);
  const paused = await service.post("/v1/schedules/s/pause", { note: "the source is down" });
  assert.deepEqual(paused.body.paused, {
    note: "the source is down",
    since: "2030-01-01T00:00:00.000Z",
    by: null,
  });
  assert.deepEqual([paused.body.next, paused.body.nextFiresAt], [[], null]);
  // What the schedule says may change meanwhile, and it stays paused.
  assert.equal((await put(service, "s", { ...DAILY, note: "x" })).body.paused.note, "the source is down");
  clock.advance(36 * 60 * 60 * 1000);
  const resumed = await service.post("/v1/schedules/s/resume");
  assert.deepEqual([resumed.body.paused, resumed.body.next[0]], [null, "2030-01-03T08:00:00.000Z"]);
  assert.equal((await put(service, "s", { ...DAILY, paused: true, note: "no" })).body.paused.note, "no");
  assert.equal((await put(service, "s", { ...DAILY, paused: false })).body.paused, null);
});

Deno.test("trigger submits a task now, also while the schedule is paused, and its key makes no second one", async () => {
  await using service = await aStandingService();
  await put(service, "s", { ...DAILY, paused: true, options: { tags: ["nightly"] } });
  const trigger = (body: unknown, key?: string) => {
    return service.send("POST", "/v1/schedules/s/trigger", body, {
      headers: key ? { "idempotency-key": key } : {},
    });
  };
  const one = await trigger({});
  assert.equal(one.status, 202);
  assert.deepEqual([one.body.input, one.body.tags], [{ a: 1, b: 2 }, ["nightly"]]);
  assert.deepEqual(one.body.schedule, { name: "s", scheduledFor: "2030-01-01T00:00:00.000Z" });
  assert.equal(one.headers.get("location"), `/v1/tasks/${one.body.id}`);
  const two = await trigger({ input: { a: 5, b: 6 } }, "k");
  assert.deepEqual(two.body.input, { a: 5, b: 6 });
  const replay = await trigger({ input: { a: 5, b: 6 } }, "k");
  assert.deepEqual([replay.body.id, replay.headers.get("idempotency-replayed")], [two.body.id, "true"]);
  assert.deepEqual((await service.get("/v1/schedules/s")).body.running, [one.body.id, two.body.id]);
  const wrong = await trigger({ input: { a: "x" } });
  assert.deepEqual([wrong.status, wrong.body.errors[0].pointer], [422, "/input/a"]);
});

Deno.test("DELETE takes a schedule away, and its tasks stay", async () => {
  await using service = await aStandingService();
  await put(service, "s", DAILY);
  const { body: { id } } = await service.post("/v1/schedules/s/trigger", {});
  assert.equal((await service.send("DELETE", "/v1/schedules/s")).status, 204);
  for (
    const [method, path] of [["GET", ""], ["DELETE", ""], ["POST", "/pause"], ["POST", "/resume"], [
      "POST",
      "/trigger",
    ]]
  ) {
    const { status, body } = await service.send(method, `/v1/schedules/s${path}`);
    assert.deepEqual([status, body.kind], [404, "schedule"], `${method} ${path}`);
  }
  assert.equal((await service.get(`/v1/tasks/${id}`)).status, 200);
  assert.equal((await put(service, "s", DAILY)).status, 201);
});

Deno.test("the list is paged by name, without inputs", async () => {
  await using service = await aStandingService();
  const names = ["a", "b", "c.1", "d", "e"];
  for (const name of names) await put(service, name, DAILY);
  const found: string[] = [];
  let path: string | undefined = "/v1/schedules?limit=2";
  while (path) {
    const { body, headers }: Awaited<ReturnType<Service["get"]>> = await service.get(path);
    found.push(...body.schedules.map(({ name }: { name: string }) => name));
    assert.ok(body.schedules.every((one: object) => !("input" in one)));
    path = /<(.*)>/.exec(headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(found, names);
});

Deno.test("preview tells the next times of a spec, and stores nothing", async () => {
  await using service = await aStandingService();
  const { status, body } = await service.post("/v1/schedules/preview", {
    spec: [{ cron: "30 2 * * *", timezone: "Europe/Berlin" }],
    startAt: "2030-03-30T12:00:00Z",
    count: 2,
  });
  assert.deepEqual([status, body], [200, {
    times: ["2030-03-31T01:00:00.000Z", "2030-04-01T00:30:00.000Z"],
  }]);
  assert.deepEqual((await service.get("/v1/schedules")).body.schedules, []);
});

Deno.test("what is wrong with a schedule is told with its place, the rule and the value", async () => {
  await using service = await aStandingService();
  const wrong: [object, string, RegExp][] = [
    [{ spec: [{ cron: "0 0 0 1 1 * 2027" }] }, "/spec/0/cron", /5 fields.*it has 7/],
    [{ spec: [{ cron: "0 0 30 2 *" }] }, "/spec/0", /never has one/],
    [
      { spec: [{ cron: "@daily", timezone: "Europe/Berln" }] },
      "/spec/0/timezone",
      /did you mean "Europe\/Berlin"/,
    ],
    [{ spec: [{ everyMs: 1 }] }, "/spec/0/everyMs", />=1000 \(got 1\)/],
    [{ spec: [{ at: "2029-12-31T00:00:00Z" }] }, "/spec/0", /must lie in the future/],
    [{ spec: [{ at: "2031-12-31" }] }, "/spec/0/at", /must have a time and an offset/],
    [{ spec: [] }, "/spec", />=1 items/],
    [{ spec: [{}] }, "/spec/0", /must have cron, everyMs or at/],
    [{ spec: [{ cron: "@daily", everyMs: 5_000 }] }, "/spec/0/everyMs", /unknown field/],
    [{ spec: [{ cron: "@daily" }], exclude: [{ cron: "* * * * *" }] }, "/exclude", /must leave a time/],
    [{ spec: [{ cron: "@yearly" }], exclude: [{ cron: "@yearly" }] }, "/exclude", /must leave a time/],
    [{ task: "ad" }, "/task", /did you mean "add"/],
    [{ input: { a: 1 } }, "/input/b", /required/],
    [{ options: { runAt: "2031-01-01T00:00:00Z" } }, "/options/runAt", /not with a schedule: delayMs/],
    [{ options: { waitFor: [] } }, "/options/waitFor", /not with a schedule/],
    [{ options: { prioritys: 1 } }, "/options/prioritys", /did you mean "priority"/],
    [{ cron: "@daily" }, "/cron", /belongs in {"spec"/],
    [{ overlap: "never" }, "/overlap", /skip/],
    [{ catchupMs: 1 }, "/catchupMs", />=10000/],
    [{ remaining: -1 }, "/remaining", />=0/],
    [{ windowMs: 86_400_001 }, "/windowMs", /<=86400000/],
  ];
  for (const [part, pointer, message] of wrong) {
    const { status, body } = await put(service, "s", { ...DAILY, ...part });
    assert.equal(status, 422, JSON.stringify(part));
    assert.deepEqual(
      body.errors.map((one: { pointer: string }) => one.pointer),
      [pointer],
      JSON.stringify(body.errors),
    );
    assert.match(body.errors[0].message, message);
  }
  for (const name of ["-a", "a b", "x".repeat(101), "ä", "a~b"]) {
    const { status, body } = await put(service, encodeURIComponent(name), DAILY);
    assert.deepEqual([status, body.errors?.[0].pointer], [422, "/path/name"], name);
  }
  const large = await put(service, "s", { ...DAILY, task: "echo", input: { value: "x".repeat(60_000) } });
  assert.deepEqual([large.status, large.body.errors[0].pointer], [413, "/input"]);
  assert.deepEqual((await service.get("/v1/schedules")).body.schedules, []);
});

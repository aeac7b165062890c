import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { keys } from "../../runtime/platform/keys.ts";
import { Folder } from "../support/folder.ts";
import { eventually, pause } from "../support/waiting.ts";
import { aDatabase, type Env, Server, startAndFail } from "../support/server_process.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

Deno.test("the first line of standard output, and the only one, says where it listens", async () => {
  await using server = await Server.start({ KV_PATH: ":memory:" });
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const task = await server.submit("add", { a: 1, b: 2 });
  assert.equal((await server.ended(task.id)).result, 3);
  assert.equal(server.output.stdout, `errand listening on ${server.url}\n`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} lets running tasks finish and hands the rest back`, async () => {
    await using database = await aDatabase();
    let short: string, long: string, waiting: string;
    {
      await using server = await Server.start({
        KV_PATH: database.path,
        CONCURRENCY: "2",
        STOP_GRACE_MS: "6000",
      });
      short = (await server.submit("sleep", { ms: 3_000, value: "finished" })).id;
      long = (await server.submit("sleep", { ms: 60_000 })).id;
      await server.until(long, "RUNNING");
      waiting = (await server.submit("add", { a: 1, b: 2 })).id;
      // Somebody listens: an open stream must not hold up the end.
      const stream = await fetch(`${server.url}/v1/tasks/${long}/events`);
      const { code, tookMs } = await server.end(signal);
      await stream.text().catch(() => {});
      assert.equal(code, 0, server.output.stderr);
      assert.ok(tookMs < 30_000, `${tookMs} ms`);
      const lines = server.output.stderr.trim().split("\n").map((line) => JSON.parse(line).message);
      assert.deepEqual(lines, [
        "stopping: functions that run (2) may go on for 6000 ms (STOP_GRACE_MS); a second signal ends that",
      ]);
    }
    await using server = await Server.start({ KV_PATH: database.path });
    const finished = await server.task(short);
    assert.deepEqual([finished.state.type, finished.result, finished.attempt], ["COMPLETED", "finished", 1]);
    assert.equal((await server.ended(waiting)).result, 3);
    const again = await server.until(long, "RUNNING");
    assert.equal(again.attempt, 1, "being handed back must not use up an attempt");
    assert.deepEqual(again.history.map(({ type }: { type: string }) => type), [
      "PENDING",
      "RUNNING",
      "PENDING",
      "RUNNING",
    ]);
  });
}

Deno.test("without STOP_GRACE_MS functions have half a minute, and a second signal hands them back at once", async () => {
  await using database = await aDatabase();
  let id: string;
  {
    await using server = await Server.start({ KV_PATH: database.path });
    id = (await server.submit("sleep", { ms: 60_000 }, { maxCrashes: 0 })).id;
    await server.until(id, "RUNNING");
    server.signal("SIGTERM");
    await pause(6_000);
    assert.equal(server.isOver, false);
    const { code, tookMs } = await server.end("SIGTERM");
    assert.equal(code, 0, server.output.stderr);
    assert.ok(tookMs < 12_000, `${tookMs} ms`);
  }
  await using server = await Server.start({ KV_PATH: database.path, ROLE: "web" });
  const { state, history, attempt } = await server.task(id);
  assert.deepEqual([state.type, state.message, attempt], ["PENDING", "handed back by a stopping worker", 0]);
  assert.equal(history.length, 3);
});

Deno.test("a signal right after the first line is heeded, and with nothing to do it stops at once", async () => {
  await using server = await Server.start({ KV_PATH: ":memory:" });
  const { code, tookMs } = await server.end("SIGTERM");
  assert.equal(code, 0);
  // Half of the grace that it does not need.
  assert.ok(tookMs < 15_000, `${tookMs} ms`);
});

Deno.test("a port that is taken stops the start with exit code 2 and says so", async () => {
  await using server = await Server.start({ KV_PATH: ":memory:" });
  const PORT = new URL(server.url).port;
  const { code, stderr, stdout } = await startAndFail({ KV_PATH: ":memory:", PORT });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /errand cannot start/);
  assert.equal(stdout, "");
});

Deno.test("on Deno Deploy it does not start on a database that ends with the instance, and says what mends it", async () => {
  const env = { DENO_DEPLOYMENT_ID: "test", API_KEYS: `me:admin:${"a".repeat(64)}` };
  const local = { DENO_KV_DEFAULT_PATH: ":memory:" };
  const cases: Env[] = [
    local,
    { ...local, DENO_KV_REQUIRES_DISTRIBUTED_DATABASE: "error" },
    { KV_PATH: ":memory:" },
  ];
  for (const own of cases) {
    const { code, stdout, stderr } = await startAndFail({ ...env, ...own });
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /errand cannot start/);
    assert.match(stderr, /deno deploy database provision errand --kind denokv/);
    assert.match(stderr, /deno deploy database assign errand/);
  }
});

Deno.test("a web process submits and answers, a worker process on the same file runs", async () => {
  await using database = await aDatabase();
  await using web = await Server.start({ KV_PATH: database.path, ROLE: "web" });
  const { id } = await web.submit("add", { a: 1, b: 2 });
  assert.equal((await web.task(id, 0.2)).state.type, "PENDING");
  await using worker = await Server.start({ KV_PATH: database.path, ROLE: "worker" });
  assert.equal((await worker.fetch("/healthz")).status, 200);
  assert.equal((await worker.fetch("/readyz")).status, 200);
  assert.equal((await worker.fetch(`/v1/tasks/${id}`)).status, 404);
  assert.equal((await web.ended(id)).result, 3);
});

Deno.test("another program's file stops the start with exit code 2, and the remedy is named", async () => {
  await using folder = await Folder.with({ "notes.txt": "what somebody has written down".repeat(200) });
  const { code, stderr, stdout } = await startAndFail({ KV_PATH: folder.at("notes.txt") });
  assert.deepEqual([code, stdout], [2, ""], stderr);
  assert.match(stderr, /errand cannot start: KV_PATH .*it is no SQLite file\. Name a file of its own/);
});

Deno.test({
  name: "a database that is deleted under a running service: no 202, not ready, and the log says so",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using database = await aDatabase();
    await using server = await Server.start({ KV_PATH: database.path });
    await server.submit("add", { a: 1, b: 2 });
    assert.equal((await server.fetch("/readyz")).status, 200);
    for (const end of ["", "-wal", "-shm"]) await Deno.remove(database.path + end);
    const { status } = await server.fetch("/v1/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"task":"add","input":{"a":1,"b":2}}',
    });
    assert.equal(status, 503);
    await eventually(async () => (await server.fetch("/readyz")).status === 503, "it is ready");
    const says = () => /the database was deleted or replaced: put its file back/.test(server.output.stderr);
    await eventually(says, () => server.output.stderr);
  },
});

Deno.test({
  name: "a database whose disk is full: no 202, and not ready, while reads are answered",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using database = await aDatabase();
    // No file may grow further than that. What breaks the rule gets an error, as on a full disk.
    const limit = 'trap "" XFSZ; ulimit -f 8192; exec "$0" "$@"';
    await using server = await Server.run({
      program: "sh",
      args: ["-c", limit, Deno.execPath(), "run", "-A", "--no-code-cache", MAIN],
      env: { PORT: "0", API_KEYS: "", DEMO_TASKS: "true", KV_PATH: database.path },
    });
    const { id } = await server.submit("add", { a: 1, b: 2 });
    await server.ended(id);
    // Nothing that can be packed.
    const input = { value: crypto.getRandomValues(new Uint8Array(60_000)).toBase64() };
    const { status } = await eventually(async () => {
      const answer = await server.fetch("/v1/tasks", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ task: "echo", input }),
      });
      return answer.status !== 202 && answer;
    }, "the disk is never full");
    assert.equal(status, 503);
    await eventually(async () => (await server.fetch("/readyz")).status === 503, "it is ready");
    assert.equal((await server.task(id)).result, 3);
  },
});

Deno.test("a database of a newer format stops the start with exit code 2, and its release and the remedy are named", async () => {
  await using database = await aDatabase();
  await (await Server.start({ KV_PATH: database.path })).end("SIGTERM");
  const kv = await Deno.openKv(database.path);
  const { value } = await kv.get<{ version: number }>(keys.format);
  await kv.set(keys.format, { version: value!.version + 1, release: "0.9.3" });
  await kv.close();
  const { code, stderr, stdout } = await startAndFail({ KV_PATH: database.path });
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /^errand cannot start: the database was written by Errand 0\.9\.3 .*: run Errand 0\.9\.3 or a later/m,
  );
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.equal(stdout, "");
});

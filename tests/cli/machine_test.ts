// Commands about the machine: top, doctor, backup.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { apart } from "../../cli/commands/doctor/service.ts";
import { aServer } from "../support/client_service.ts";
import { command, commandsTo } from "../support/command.ts";
import { Folder } from "../support/folder.ts";
import { freePort } from "../support/ports.ts";
import { eventually } from "../support/waiting.ts";
import { aDatabase } from "../support/server_process.ts";

interface Finding {
  what: string;
  found: string;
  message: string;
}

Deno.test("top, workers, logs and reruns show what runs and ran", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const running = (await errand(["submit", "sleep", '{"ms": 600000}', "--queue", "slow"])).out.trim();
  await server.until(running, "RUNNING");
  const frames = await errand(["top", "-n", "2", "--every", "1ms"], { columns: 90 });
  assert.equal(frames.code, 0);
  assert.ok(frames.out.startsWith("\x1b[?1049h\x1b[?25l\x1b[H"), frames.out);
  assert.ok(frames.out.endsWith("\x1b[?25h\x1b[?1049l"), frames.out);
  const plain = (await errand(["top", "-n", "1"])).out;
  assert.match(plain, /^0 ready · 1 running ·/m);
  assert.match(plain, /^slow +0 +1 /m);
  assert.ok(plain.includes(running), plain);
  assert.equal((await errand(["top", "-n", "1", "-o", "json"])).json().stats.now.running, 1);
  assert.match((await errand(["worker"])).out, /^WORKER +RUNNING +QUEUES +RELEASE/);
  assert.equal((await errand(["worker", "tasks", "-o", "json"])).json()[0].id, running);

  const done = (await errand(["submit", "countdown", '{"from": 2, "stepMs": 1}'])).out.trim();
  await server.ended(done);
  assert.deepEqual(
    (await errand(["logs", done, "-o", "json"])).json().map(({ message }: { message: string }) => message),
    ["T minus 2", "T minus 1"],
  );
  const again = (await errand(["rerun", done, "--input", '{"from": 1, "stepMs": 1}', "-o", "json"])).json();
  assert.deepEqual([again.rerunOf, again.deduplicated], [done, false]);
  assert.equal((await errand(["result", again.id, "--wait"])).out, '"liftoff"\n');
  assert.equal((await errand(["rerun", running])).code, 11);

  await errand(["submit", "fail", '{"message": "no paper"}', "--wait"]);
  const found = await errand(["ls", "--search", "PAPER", "--finished-after", "1h", "-o", "json"]);
  assert.equal(found.json().length, 1);
  assert.equal((await errand(["ls", "--queue", "slow", "--count"])).out, "1\n");
  assert.equal((await errand(["ls", "--count", "-o", "json"])).json().value, 4);
});

Deno.test("doctor says what is wrong with settings, database, keys and service, and how to mend it", async () => {
  await using folder = await Folder.with({ "text.kv": "no database".repeat(99) });
  await using database = await aDatabase();
  await using server = await aServer({ KV_PATH: database.path });
  const findings = async (env: Record<string, string>): Promise<[number, Finding[]]> => {
    const { code, json } = await command(["doctor", "-o", "json"], { env });
    return [code, json()];
  };
  // It listens before its worker is there.
  await eventually(async () => (await server.fetch("/v1/workers")).body.workers.length === 1);
  const [code, all] = await findings({ KV_PATH: database.path, ERRAND_URL: server.url });
  assert.equal(code, 0);
  assert.deepEqual(
    all.filter(({ found }) => found !== "ok").map(({ what, found }) => [what, found]),
    [["Deno Deploy", "skipped"]],
  );
  assert.ok(
    all.some(({ what, message }) => what === "database" && /whole, format of Errand \d/.test(message)),
  );

  const gone = `http://127.0.0.1:${freePort()}`;
  const [broken, wrong] = await findings({
    PORT: "zz",
    API_KEYS: "x",
    KV_PATH: folder.at("text.kv"),
    ERRAND_URL: gone,
    DENO_DEPLOYMENT_ID: "d",
  });
  assert.equal(broken, 1);
  const messages = wrong.filter(({ found }) => found === "wrong").map(({ message }) => message).join("\n");
  for (
    const each of [
      /^PORT must be a whole number; it is "zz"$/m,
      /^API_KEYS entry 1 must be name:scope/m,
      /text\.kv is no database of Deno KV: it is no SQLite file/,
      /^KV_PATH must not be set there/m,
      /^nothing answers at http:\/\/127\.0\.0\.1:\d+ \(ERRAND_URL\)/m,
    ]
  ) assert.match(messages, each);

  const [, remote] = await findings({ KV_PATH: gone });
  assert.match(remote.find(({ what }) => what === "database")!.message, /DENO_KV_ACCESS_TOKEN must be/);
  // Before the first start nothing is wrong, and nothing is made.
  const fresh = folder.at("fresh", "errand.kv");
  const [first, none] = await findings({ KV_PATH: fresh });
  assert.deepEqual([first, none.some(({ message }) => message.includes("is not there yet"))], [0, true]);
  await assert.rejects(Deno.stat(folder.at("fresh")), Deno.errors.NotFound);
});

Deno.test("a clock is not apart because an answer took long", () => {
  const at = Date.parse("2026-11-29T12:00:00Z");
  const headers = new Headers({ date: new Date(at).toUTCString() });
  assert.deepEqual(apart({ headers }, at - 60_000, at + 60_000), []);
  assert.deepEqual(apart({ headers }, at + 2_900, at + 2_900), []);
  assert.match(apart({ headers }, at + 5_000, at + 60_000)[0].message, /4 s behind/);
  assert.match(apart({ headers }, at - 60_000, at - 5_000)[0].message, /5 s ahead/);
  assert.deepEqual(apart({ headers: new Headers() }, at, at), []);
});

Deno.test("a backup is checked, for its owner alone, and overwrites nothing", async () => {
  await using folder = await Folder.with({ "text.kv": "no database".repeat(99), "there": "kept" });
  await using database = await aDatabase();
  await using server = await aServer({ KV_PATH: database.path });
  const errand = commandsTo(server.url);
  for (let n = 0; n < 3; n++) await errand(["submit", "echo", `{"value": ${n}}`, "--wait"]);
  const backup = (target: string, from = database.path) =>
    command(["backup", target, "--database", from, "-o", "json"]);
  const { code, json } = await backup(folder.path);
  assert.equal(code, 0);
  const { file, tasks, release } = json();
  assert.deepEqual([tasks, typeof release], [3, "string"]);
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  const names = () => Array.from(Deno.readDirSync(folder.path), ({ name }) => name).sort();
  assert.deepEqual(names(), [file.split("/").at(-1), "text.kv", "there"].sort());

  const refusals: [string, string, number, RegExp][] = [
    [folder.at("there"), database.path, 2, /nothing is overwritten/],
    [folder.at("new"), folder.at("text.kv"), 2, /is no database of Deno KV/],
    [folder.at("new"), folder.at("nowhere"), 7, /there is no database/],
    [folder.at("new"), ":memory:", 2, /in memory/],
    [folder.at("new"), "http://127.0.0.1:4512", 2, /copy the file of that server/],
    [folder.at("no", "folder"), database.path, 1, /cannot be written/],
  ];
  for (const [target, from, code, message] of refusals) {
    const outcome = await backup(target, from);
    assert.equal(outcome.code, code, outcome.err);
    assert.match(outcome.err, message);
  }
  // Of a copy that is damaged nothing is left.
  const damaged = folder.at("damaged.kv");
  await Deno.copyFile(file, damaged);
  using writing = await Deno.open(damaged, { write: true });
  await writing.seek(4_096, Deno.SeekMode.Start);
  await writing.write(new Uint8Array(8_192).fill(0x5a));
  const failed = await backup(folder.at("new"), damaged);
  assert.equal(failed.code, 1);
  assert.match(failed.err, /damaged.*no backup was made/);
  assert.deepEqual(names(), [file.split("/").at(-1), "damaged.kv", "text.kv", "there"].sort());
});

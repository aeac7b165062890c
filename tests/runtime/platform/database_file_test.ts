import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DatabaseFileError, DatabaseGoneError } from "../../../runtime/core/errors.ts";
import { openKv } from "../../../runtime/platform/open_kv.ts";
import { vacuum } from "../../../tools/vacuum.ts";
import { Folder } from "../../support/folder.ts";
import { run } from "../../support/program.ts";

const onUnix = { ignore: Deno.build.os === "windows" };
const modeOf = (path: string) => (Deno.statSync(path).mode! & 0o777).toString(8);

/** A log that keeps its lines. */
function aLog() {
  const infos: string[] = [];
  const errors: string[] = [];
  return {
    infos,
    errors,
    log: {
      info: (message: string) => void infos.push(message),
      error: (message: string, error: unknown) => void errors.push(`${message}: ${error}`),
    },
  };
}

const open = (path: string, log?: ReturnType<typeof aLog>["log"]) => openKv(path, undefined, log);

Deno.test({
  ...onUnix,
  name: "a database is made for its owner alone: its folder, its file and what lies beside it",
  fn: async () => {
    await using folder = await Folder.with();
    const path = folder.at("deep", "data", "errand.kv");
    const { log, infos } = aLog();
    const kv = await open(path, log);
    await kv.writeBlind([{ key: ["a"], value: 1 }], 0);
    assert.deepEqual([folder.at("deep"), folder.at("deep", "data")].map(modeOf), ["700", "700"]);
    assert.deepEqual([path, `${path}-wal`, `${path}-shm`].map(modeOf), ["600", "600", "600"]);
    await kv.close();
    assert.deepEqual(infos, []);
  },
});

Deno.test({
  ...onUnix,
  name: "an older database that others could read is its owner's alone once it is opened, and that is told",
  fn: async () => {
    await using folder = await Folder.with();
    const path = folder.at("data", "errand.kv");
    await Deno.mkdir(folder.at("data"), { mode: 0o755 });
    (await Deno.openKv(path)).close();
    const leftOpen = await Deno.openKv(path);
    await leftOpen.set(["a"], 1);
    for (const name of [path, `${path}-wal`, `${path}-shm`]) await Deno.chmod(name, 0o644);
    const { log, infos } = aLog();
    const kv = await open(path, log);
    assert.deepEqual([path, `${path}-wal`, `${path}-shm`].map(modeOf), ["600", "600", "600"]);
    assert.equal(modeOf(folder.at("data")), "700");
    assert.equal((await kv.get(["a"])).value, 1);
    assert.deepEqual(infos.map((info) => info.replaceAll(folder.path, "")), [
      "others could read the database /data/errand.kv: from now on only its owner can",
      "others could look into the database's folder /data: from now on only its owner can",
    ]);
    await kv.close();
    leftOpen.close();
    await (await open(path, log)).close();
    assert.equal(infos.length, 2, "what is tight is not told");
  },
});

Deno.test({
  ...onUnix,
  name: "a folder in which other things lie keeps its rights",
  fn: async () => {
    await using folder = await Folder.with({ "other.txt": "" });
    await Deno.chmod(folder.path, 0o755);
    await (await open(folder.at("errand.kv"))).close();
    assert.deepEqual([modeOf(folder.path), modeOf(folder.at("errand.kv"))], ["755", "600"]);
  },
});

Deno.test("another program's SQLite file is refused, and nothing in it changes", async () => {
  await using folder = await Folder.with();
  const path = folder.at("browser.sqlite");
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE bookmarks (url TEXT); CREATE TABLE kv (k TEXT)");
  other.close();
  const before = await Deno.readFile(path);
  await assert.rejects(open(path), (error) => {
    assert.ok(error instanceof DatabaseFileError);
    assert.match(
      error.message,
      /must be a database of Deno KV; it is one of another program, with the tables bookmarks, kv/,
    );
    return true;
  });
  assert.deepEqual(await Deno.readFile(path), before);
});

Deno.test("a file that is no SQLite database is refused", async () => {
  await using folder = await Folder.with({ "text.kv": "some text, long enough to be a header".repeat(90) });
  await assert.rejects(open(folder.at("text.kv")), /must be a database of Deno KV; it is no SQLite file/);
});

Deno.test("an empty file and a database of Deno KV itself are opened", async () => {
  await using folder = await Folder.with({ "empty.kv": "" });
  await (await open(folder.at("empty.kv"))).close();
  const own = await Deno.openKv(folder.at("own.kv"));
  await own.set(["a"], 1);
  own.close();
  const kv = await open(folder.at("own.kv"));
  assert.equal((await kv.get(["a"])).value, 1);
  await kv.close();
});

Deno.test("a database with a damaged page is refused at the start, and the message says what mends it", async () => {
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  const kv = await Deno.openKv(path);
  for (let i = 0; i < 200; i++) await kv.set(["task", i], new Uint8Array(1_000));
  await kv.close();
  // All of it is in the file itself from here on.
  vacuum(path);
  const bytes = await Deno.readFile(path);
  const page = 4_096;
  bytes.fill(0xff, bytes.length - 20 * page, bytes.length - 10 * page);
  await Deno.writeFile(path, bytes);
  await assert.rejects(open(path), (error) => {
    assert.ok(error instanceof DatabaseFileError);
    assert.match(error.message, /must be a whole database; it is damaged \(.*\)\. Put a backup in its place/);
    return true;
  });
});

Deno.test("to look into a file takes no lock away from who has it open in this process", async () => {
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  const first = await open(path);
  await first.writeBlind([{ key: ["a"], value: 1 }], 0);
  const second = await open(path);
  await second.close();
  const tool = new URL("../../../tools/vacuum.ts", import.meta.url).pathname;
  const { code, stderr } = await run({ args: ["run", "-A", "--no-lock", tool, path] });
  assert.deepEqual([code, /is in use/.test(stderr)], [1, true], stderr);
  await first.close();
});

Deno.test({
  ...onUnix,
  name: "a commit to a file that was deleted or replaced is not acknowledged, until the file is back",
  fn: async () => {
    await using folder = await Folder.with();
    const path = folder.at("errand.kv");
    const { log, infos, errors } = aLog();
    const kv = await open(path, log);
    const write = () => kv.writeBlind([{ key: ["a"], value: 1 }], 0);
    await write();
    assert.deepEqual(errors, []);
    const away = folder.at("away.kv");
    await Deno.rename(path, away);
    await assert.rejects(write(), DatabaseGoneError);
    await assert.rejects(kv.get(["a"]), DatabaseGoneError);
    await Deno.writeTextFile(path, "another one");
    await assert.rejects(write(), DatabaseGoneError);
    assert.equal(errors.length, 1, "it is told once");
    assert.match(errors[0], /was deleted or replaced: put its file back, or stop and start again/);
    await Deno.rename(away, path);
    await write();
    assert.equal((await kv.get(["a"])).value, 1);
    assert.deepEqual(infos.map((info) => info.replace(folder.path, "")), ["the database /errand.kv is back"]);
    await kv.close();
  },
});

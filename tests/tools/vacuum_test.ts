import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { InUseError, vacuum } from "../../tools/vacuum.ts";
import { UsageError } from "../../tools/command_line.ts";
import { openKv } from "../../runtime/mod.ts";
import { Folder } from "../support/folder.ts";
import { aDatabase, Server } from "../support/server_process.ts";

/** Pieces that gzip cannot make smaller, most of which are removed again. */
async function filled(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  const value = crypto.getRandomValues(new Uint8Array(60_000));
  const keys = Array.from({ length: 200 }, (_, i) => ["piece", i]);
  for (const key of keys) await kv.set(key, value);
  for (const key of keys.slice(20)) await kv.delete(key);
}

Deno.test("a vacuum gives the space of deleted data back, and keeps what is left", async () => {
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  await filled(path);
  const kv = await openKv(path);
  await kv.writeBlind([{ key: ["kept"], value: { a: 1 } }], 0);
  await kv.close();
  const { before, after } = vacuum(path);
  assert.ok(before > 10_000_000, `${before} bytes before`);
  assert.ok(after < before / 5, `${after} of ${before} bytes are left`);
  assert.equal((await Deno.stat(path)).size, after);
  using again = await Deno.openKv(path);
  assert.deepEqual((await again.get(["kept"])).value, { a: 1 });
  assert.equal((await Array.fromAsync(again.list({ prefix: ["piece"] }))).length, 20);
  await again.set(["new"], 1);
});

Deno.test("the file of a service that runs is left alone", async () => {
  await using database = await aDatabase();
  await using server = await Server.start({ KV_PATH: database.path });
  assert.throws(() => vacuum(database.path), (error) => {
    return error instanceof InUseError &&
      error.message === `${database.path} is in use: stop the service first`;
  });
  assert.equal((await fetch(`${server.url}/readyz`).then((answer) => answer.json())).status, "ok");
});

Deno.test("what is no database file is refused, and none is made", async () => {
  await using folder = await Folder.with({
    "text.kv": "some text that is long enough to be no header at all".repeat(9),
  });
  for (
    const path of [
      ":memory:",
      "http://127.0.0.1:4512",
      folder.at("none.kv"),
      folder.at("."),
      folder.at("text.kv"),
    ]
  ) {
    assert.throws(() => vacuum(path), UsageError, path);
  }
  assert.deepEqual(Array.from(Deno.readDirSync(folder.at(".")), ({ name }) => name), ["text.kv"]);
});

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { removeDatabase } from "../../demo/database.ts";
import { Folder } from "../support/folder.ts";

Deno.test("removeDatabase() removes a database with the files beside it, and nothing else", async () => {
  await using directory = await Folder.with({
    "demo.kv": "",
    "demo.kv-wal": "",
    "demo.kv-shm": "",
    "errand.kv": "",
  });
  assert.equal(await removeDatabase(directory.at("demo.kv")), true);
  assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["errand.kv"]);
});

Deno.test("removeDatabase() says so if there was none", async () => {
  await using directory = await Folder.with({});
  assert.equal(await removeDatabase(directory.at("demo.kv")), false);
  assert.equal(await removeDatabase(directory.at("data/demo.kv")), false);
});

Deno.test("removeDatabase() explains what cannot be removed", async () => {
  await using directory = await Folder.with({ "demo.kv/inside": "" });
  await assert.rejects(
    removeDatabase(directory.at("demo.kv")),
    /cannot remove .*demo\.kv, of an earlier demo; does a service/,
  );
});

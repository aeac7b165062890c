import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { removeDatabase } from "../../demo/database.ts";
import { Directory } from "./directory.ts";

Deno.test("removeDatabase() removes a database with the files beside it, and nothing else", async () => {
  using directory = Directory.of({ "demo.kv": "", "demo.kv-wal": "", "demo.kv-shm": "", "errand.kv": "" });
  assert.equal(await removeDatabase(directory.at("demo.kv")), true);
  assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["errand.kv"]);
});

Deno.test("removeDatabase() says so if there was none", async () => {
  using directory = Directory.of({});
  assert.equal(await removeDatabase(directory.at("demo.kv")), false);
  assert.equal(await removeDatabase(directory.at("data/demo.kv")), false);
});

Deno.test("removeDatabase() explains what cannot be removed", async () => {
  using directory = Directory.of({ "demo.kv/inside": "" });
  await assert.rejects(
    removeDatabase(directory.at("demo.kv")),
    /cannot remove .*demo\.kv, of an earlier demo; does a service/,
  );
});

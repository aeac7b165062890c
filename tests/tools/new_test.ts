// `deno task new`: what it writes where, and what it refuses. new_long_test.ts runs what it has written.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Folder } from "../support/folder.ts";
import { makeStarter } from "../support/starter.ts";

Deno.test("another checkout, or what an import map takes, may be its source", async () => {
  await using folder = await Folder.with({ "errand/deno.json": '{"name":"@errand/errand"}' });
  const importsOf = async (name: string) => JSON.parse(await Deno.readTextFile(folder.at(name, "deno.json")));
  assert.equal((await makeStarter(folder.path, "a", "--from", "errand")).code, 0);
  assert.deepEqual((await importsOf("a")).links, ["../errand"]);
  assert.equal((await makeStarter(folder.path, "b", "--from", "jsr:@errand/errand@^9")).code, 0);
  const { links, imports } = await importsOf("b");
  assert.deepEqual([links, imports["@errand/errand"]], [undefined, "jsr:@errand/errand@^9"]);
});

Deno.test("a folder that has something in it is left alone, and a wrong argument is named", async () => {
  await using folder = await Folder.with({ "full/a.txt": "a", "file": "f", "elsewhere/deno.json": "{}" });
  await Deno.mkdir(folder.at("empty"));
  const wrong: [string[], RegExp][] = [
    [["full"], /^full must be an empty folder, or not be there$/m],
    [["file"], /^file must be an empty folder, or not be there$/m],
    [[], /^one folder must be named, as my-app; 0 are$/m],
    [["a", "b"], /^one folder must be named, as my-app; 2 are$/m],
    [["a", "--from", "elsewhere"], /^--from must be a checkout of @errand\/errand, .*; it is "elsewhere"$/m],
    [["a", "--force"], /^unknown argument "--force"; did you mean "--from"\?$/m],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await makeStarter(folder.path, ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  const names = (await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name)).sort();
  assert.deepEqual(names, ["elsewhere", "empty", "file", "full"]);
  assert.equal((await makeStarter(folder.path, "empty")).code, 0);
});

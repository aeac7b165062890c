// The README's chapter on the client is one program, and it runs.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Server } from "../support/server_process.ts";

const root = new URL("../../", import.meta.url);
const CHAPTER = /^## The TypeScript client$([\s\S]*?)^## /m;

Deno.test("the README's examples of the client run in order, as one program", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const blocks = [...CHAPTER.exec(readme)![1].matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  assert.ok(blocks.length >= 10, `${blocks.length} blocks`);
  const program = blocks.join("\n").replaceAll('from "./', `from "${root}`);
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await using server = await Server.start({ KV_PATH: ":memory:" });
  try {
    await Deno.writeTextFile(file, program);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", "-c", fileURLToPath(new URL("deno.json", root)), file],
      env: { ERRAND: server.url, NO_COLOR: "1" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const lines = new TextDecoder().decode(stdout).split("\n");
    for (
      const line of [
        "3 null false",
        "done: 3",
        "[ 3, null ]",
        "3 ValueError",
        "[ 11, 12, 13 ]",
        "TaskError: boom",
        '[ 5, "beside" ]',
        "26",
        "[ [ 0, 2, 4, 6 ], [ 8, 10 ] ]",
        "CancelledError Error: boom",
        '{ "$task": "laundry" }',
      ]
    ) {
      assert.ok(lines.includes(line), `${line} is missing in:\n${lines.join("\n")}`);
    }
  } finally {
    await Deno.remove(file);
  }
});

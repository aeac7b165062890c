import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Task } from "../../demo/task.ts";
import { Service } from "../../demo/service.ts";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";

/** The whole demo as its own process, with a working directory of its own, so with a database of its own. */
async function demo(directory: Folder, args: string[], env: Record<string, string> = {}) {
  const main = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
  const { code, stdout, stderr } = await run({
    args: ["run", "-A", main, ...args],
    cwd: directory.path,
    env: { INIT_CWD: directory.path, ...env },
  });
  return { code, out: stdout, err: stderr };
}

Deno.test("the demo digests documents, prints a table and leaves a database to look tasks up in", async () => {
  await using directory = await Folder.with({
    "one.txt": "one two three\nthree\n",
    "two.txt": "three",
    "empty.txt": "",
  });
  const { code, out, err } = await demo(directory, ["--", "*.txt", "missing.txt"]);
  assert.equal(code, 0, err);
  assert.match(out, /^files +4$/m);
  assert.match(out, /^failed +1$/m);
  assert.match(out, /^bytes +25$/m);
  assert.match(out, /^lines +3$/m);
  assert.match(out, /^words +5$/m);
  assert.match(out, /^frequent words +3 {2}three$/m);
  assert.match(out, /^tasks per second +\d+$/m);
  assert.match(out, /^ {2}missing\.txt: Cannot digest "missing\.txt": there is no such file$/m);
  assert.match(err, /^digested 4 of 4 100 %$/m);

  const id = /^ {2}curl(?:\.exe)? http:\S+\/v1\/tasks\/(\S+)$/m.exec(out)![1];
  const service = new Service({ PORT: "0", KV_PATH: directory.at("data/demo.kv") });
  try {
    const url = await service.listening();
    const task: Task = await (await fetch(`${url}/v1/tasks/${id}`)).json();
    const { path } = task.input as { path: string };
    assert.ok(["one.txt", "two.txt", "empty.txt", "missing.txt"].includes(path), path);
    assert.equal(task.state.type, path === "missing.txt" ? "FAILED" : "COMPLETED");
    const { tasks } = await (await fetch(`${url}/v1/tasks?task=digest`)).json();
    assert.equal(tasks.length, 4);
  } finally {
    await service.stop();
  }
});

Deno.test("the demo ends with 2 if nothing matches, and keeps the database of an earlier one", async () => {
  await using directory = await Folder.with({ "data/demo.kv": "earlier" });
  const { code, out, err } = await demo(directory, ["--", "*.txt"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^the demo failed: no file matches \*\.txt$/m);
  assert.equal(Deno.readTextFileSync(directory.at("data/demo.kv")), "earlier");
});

Deno.test({
  name: "the demo ends with 1 if no document could be digested",
  // Windows has no such file.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using directory = await Folder.with({});
    const { code, out, err } = await demo(directory, ["/dev/null"]);
    assert.equal(code, 1, err);
    assert.match(out, /^failed +1$/m);
    assert.match(out, /^ {2}null: Cannot digest "null": it is no regular file$/m);
  },
});

Deno.test("the demo shows why its service did not start", async () => {
  await using directory = await Folder.with({ "a.txt": "" });
  const { code, err } = await demo(directory, ["a.txt"], { CONCURRENCY: "many" });
  assert.equal(code, 1);
  assert.match(err, /^errand cannot start: CONCURRENCY must be a whole number; it is "many"$/m);
  assert.match(err, /^the demo failed: the service ended with code \d+ instead of listening$/m);
});

Deno.test({
  name: "an interrupt stops the demo and its service",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using directory = await Folder.with({ "a.txt": "a" });
    const main = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main, directory.at("a.txt")],
      cwd: directory.path,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    // Both ends of the pipe are closed only when the demo and its service are gone.
    let said = "";
    let isInterrupted = false;
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (isInterrupted || !said.includes("starting the service")) continue;
      isInterrupted = true;
      child.kill("SIGINT");
    }
    assert.equal((await child.status).code, 130, said);
    assert.match(said, /^stopped$/m);
  },
});

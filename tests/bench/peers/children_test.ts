import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Children } from "../../../bench/peers/children.ts";

const isUnix = Deno.build.os !== "windows";

Deno.test({
  name: "a process that ends at its start is told with what it wrote",
  ignore: !isUnix,
  fn: async () => {
    await using children = await Children.begin();
    const child = await children.spawn("sh", { args: ["-c", "echo no such port >&2; exit 3"] });
    await assert.rejects(child.listening("Redis"), /^Error: Redis ended at its start:\nno such port\n$/);
    const failed = await children.spawn("sh", { args: ["-c", "echo out of space; exit 1"] });
    await assert.rejects(failed.succeeded("initdb"), /^Error: initdb failed:\nout of space\n$/);
  },
});

Deno.test({
  name: "all processes and files of a run end with it, and none is started afterwards",
  ignore: !isUnix,
  fn: async () => {
    const children = await Children.begin();
    const folder = await children.folder();
    const listening = await children.spawn("sh", {
      args: ["-c", "echo listening on http://127.0.0.1:1; exec sleep 1000"],
    });
    assert.equal((await listening.listening("it")).href, "http://127.0.0.1:1/");
    const [waiting, ended] = await Promise.all(
      [["sleep", "1000"], ["true"]].map(([program, ...args]) => children.spawn(program, { args })),
    );
    await ended.succeeded("true");
    await ended.end();
    await children[Symbol.asyncDispose]();
    for (const { pid } of [listening, waiting]) assert.throws(() => Deno.kill(pid, "SIGCONT"));
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
    await assert.rejects(children.spawn("true", { args: [] }), /this run has ended/);
  },
});

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { run } from "../../support/program.ts";

const volume = new URL("../../../bench/volume.ts", import.meta.url).pathname;

Deno.test("bench:volume measures one of its cases, and tells the figure beside its bound", async () => {
  const args = ["run", "-A", "--no-check", volume, "--quick", "--only", "map"];
  const { code, stdout, stderr } = await run({ args });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Peak memory of a map of 10000 +\d+ MiB +≤ 250 +(yes|NO) .*the loop was held \d+ ms/m,
  );
});

Deno.test("bench:volume names the cases that there are", async () => {
  const { code, stderr } = await run({ args: ["run", "-A", "--no-check", volume, "--only", "maps"] });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /--only must be one of backlog, values, map, streams, watchers, tasks, lists; it is maps/,
  );
});

// The whole command with BullMQ, which it installs into the cache if it is not there.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { nodePackages, pythonPackages, Unavailable } from "../../../bench/peers/packages.ts";
import { Folder } from "../../support/folder.ts";
import { run, ServiceProcess } from "../../support/program.ts";
import { skippedIf } from "../../support/skip.ts";
import { eventually } from "../../support/waiting.ts";

const MAIN = new URL("../../../bench/peers/main.ts", import.meta.url).pathname;
const INSTALLS_WITHIN_MS = 300_000;
const HANGS_MS = 300_000;

/** What keeps it from running here, or null. */
async function missing(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "not Linux";
  const signal = AbortSignal.timeout(INSTALLS_WITHIN_MS);
  try {
    await nodePackages(signal);
    await pythonPackages(signal);
    return null;
  } catch (error) {
    if (error instanceof Unavailable) return error.message.split("\n")[0];
    throw error;
  }
}

const skip = await missing();

function started(folder: Folder) {
  const args = ["run", "-A", MAIN, "--only", "errand,bullmq", "--seconds", "1", "--rounds", "1"];
  return { args, cwd: folder.at("work"), env: { TMPDIR: folder.at("tmp") } };
}

/** Processes that were started with this folder for temporary files. */
function leftIn(folder: Folder): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      const env = Deno.readTextFileSync(`/proc/${name}/environ`);
      return env.includes(`TMPDIR=${folder.at("tmp")}\0`)
        ? [Deno.readTextFileSync(`/proc/${name}/cmdline`)]
        : [];
    } catch {
      // It has ended, or is another user's.
      return [];
    }
  });
}

Deno.test({
  ...skippedIf(skip, "bench:peers compares Errand with BullMQ, prints the ratio and leaves nothing"),
  fn: async () => {
    await using folder = await Folder.with({ "work/x": "", "tmp/x": "" });
    const { code, stdout, stderr } = await run({ ...started(folder), hangsMs: HANGS_MS });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^- errand: Errand \d\S+, Deno \d.*$/m);
    assert.match(stdout, /^- bullmq: BullMQ 6\.7\.0, .*Node \d\S+, Redis \d/m);
    const row = /^\| bullmq +\| [\d,]+ +\| \d+\.\d\d +\| [\d,]+ µs +\| [\d,]+ MiB +\|/gm;
    assert.equal(stdout.match(row)?.length, 2, stdout);
    const { all } = JSON.parse(await Deno.readTextFile(folder.at("work", "bench", "results", "peers.json")));
    for (const { system, rounds, inProcess, latency } of all) {
      assert.deepEqual([rounds.length, inProcess.length], [1, 1], system.name);
      assert.ok(rounds[0].cpuMicrosPerTask > 0 && rounds[0].memoryMiB > 20, JSON.stringify(rounds));
      assert.ok(latency.p50Ms <= latency.p99Ms);
    }
    assert.deepEqual(leftIn(folder), []);
    assert.deepEqual(Array.from(Deno.readDirSync(folder.at("tmp")), ({ name }) => name), ["x"]);
  },
});

Deno.test({
  ...skippedIf(skip, "bench:peers that is interrupted ends all that it has started"),
  fn: async () => {
    await using folder = await Folder.with({ "work/x": "", "tmp/x": "" });
    let said = "";
    await using command = new ServiceProcess({ ...started(folder), onError: (text) => said += text });
    await eventually(() => said.includes("bullmq …"));
    await eventually(() => leftIn(folder).some((line) => line.includes("redis-server")));
    assert.equal((await command.end("SIGINT")).code, 130, said);
    assert.deepEqual(leftIn(folder), []);
    assert.deepEqual(Array.from(Deno.readDirSync(folder.at("tmp")), ({ name }) => name), ["x"]);
  },
});

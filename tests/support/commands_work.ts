// The commands that an operator begins with, beside a service without keys.

import assert from "node:assert/strict";
import type { Folder } from "./folder.ts";
import { type ProgramOptions, run } from "./program.ts";

/** @param errand how the program is started, up to its own arguments */
export async function commandsWork(
  errand: Pick<ProgramOptions, "program" | "args" | "cwd">,
  url: string,
  database: string,
  folder: Folder,
): Promise<void> {
  const env = { ERRAND_URL: url, KV_PATH: database, ERRAND_CONFIG: folder.at("profiles.json") };
  const says = async (...args: string[]) => {
    const { code, stdout, stderr } = await run({ ...errand, args: [...errand.args, ...args], env });
    assert.equal(code, 0, `errand ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  assert.equal(await says("submit", "add", '{"a": 1, "b": 2}', "--wait"), "3\n");
  assert.match(await says("ls"), /^ID +TASK +STATE .*\n\S+ +add +Completed /);
  assert.match(await says("top", "--frames", "1"), /^errand top .*\n0 ready · 0 running/);
  assert.match(await says("doctor"), /^ok +database .*, whole, /m);
  assert.match(await says("backup", folder.at("copy.kv")), / 1 tasks, .* copied and checked /);
  assert.match(await says("completion", "fish"), /^complete -c errand /m);
}

// `deno task new -- …`, as typed in a folder.

import { fileURLToPath } from "node:url";
import { run } from "./program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

export function makeStarter(base: string, ...args: string[]): ReturnType<typeof run> {
  return run({ args: ["task", "new", "--", ...args], cwd: root, env: { INIT_CWD: base } });
}

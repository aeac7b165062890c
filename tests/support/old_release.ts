// Errand 0.1 as a program, from an archive of its source: for what an older release does beside this one.

import { fileURLToPath } from "node:url";
import { Folder } from "./folder.ts";
import { run } from "./program.ts";

/**
 * Packages in the versions that it was released with. What it serves to browsers is left out: nothing here
 * asks for it.
 */
const CONFIG = {
  imports: {
    "@hono/zod-openapi": "npm:@hono/zod-openapi@1.6.3",
    "eventsource-parser": "./unused.ts",
    "hono": "npm:hono@4.13.19",
    "uuid": "npm:uuid@14.0.3",
    "zod": "npm:zod@4.6.7",
    "swagger-ui-dist/absolute-path.js": "./unused.ts",
  },
  unstable: ["kv", "cron", "no-legacy-abort"],
};

export interface OldRelease extends AsyncDisposable {
  /** Serves the definitions that its tests had. */
  main: string;
  /** Of `deno run`. */
  flags: string[];
}

export async function oldRelease(): Promise<OldRelease> {
  const folder = await Folder.with({
    "deno.json": JSON.stringify(CONFIG),
    "unused.ts": 'export default () => "";\n',
  });
  const archive = fileURLToPath(new URL("../fixtures/errand-0.1.tar.gz", import.meta.url));
  const { code, stderr } = await run({ program: "tar", args: ["-xzf", archive, "-C", folder.path] });
  if (code !== 0) throw new Error(`the archive of Errand 0.1 cannot be unpacked: ${stderr}`);
  return {
    main: folder.at("tests/service.ts"),
    flags: ["--no-lock", `--config=${folder.at("deno.json")}`],
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

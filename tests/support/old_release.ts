// Older releases as programs, from archives of their source: for what they do beside this one.

import { fileURLToPath } from "node:url";
import { Folder } from "./folder.ts";
import { run } from "./program.ts";

/**
 * Of 0.1: packages in the versions that it was released with. What it serves to browsers is left out: nothing
 * here asks for it.
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

export async function oldRelease(release: "0.1" | "0.2" = "0.1"): Promise<OldRelease> {
  const folder = await Folder.with(
    release === "0.2"
      // Its archive has a deno.json.
      ? {}
      : { "deno.json": JSON.stringify(CONFIG), "unused.ts": 'export default () => "";\n' },
  );
  const archive = fileURLToPath(new URL(`../fixtures/errand-${release}.tar.gz`, import.meta.url));
  const { code, stderr } = await run({ program: "tar", args: ["-xzf", archive, "-C", folder.path] });
  if (code !== 0) throw new Error(`the archive of Errand ${release} cannot be unpacked: ${stderr}`);
  return {
    main: folder.at(release === "0.1" ? "tests/service.ts" : "tests/support/service_main.ts"),
    flags: ["--no-lock", `--config=${folder.at("deno.json")}`],
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

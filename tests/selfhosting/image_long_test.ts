// What the Dockerfile does, done in a folder: no registry of images is asked.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { imageEnv, instructions, lastStage, root, textOf } from "./repository_files.ts";
import { Folder } from "../support/folder.ts";
import { freePort } from "../support/ports.ts";
import { run } from "../support/program.ts";
import { start, worksAndStops } from "./trial.ts";

const ignored = textOf(".dockerignore").split("\n").filter((line) => line !== "" && !line.startsWith("#"));

/** As much as .dockerignore needs: names at the top, and what starts with a dot anywhere. */
function isIgnored(name: string, atTop: boolean): boolean {
  return (name.startsWith(".") && ignored.includes("**/.*")) || (atTop && ignored.includes(name));
}

/** `COPY . .` */
async function copyTo(folder: string, from = fileURLToPath(root), atTop = true): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isIgnored(name, atTop)) continue;
    if (isDirectory) await copyTo(join(folder, name), join(from, name), false);
    else await Deno.copyFile(join(from, name), join(folder, name));
  }
}

/** The arguments after `deno` of what an image runs, in the form of a JSON list. */
function argumentsOf(list: string): string[] {
  const [first, ...rest] = JSON.parse(list);
  return first === "deno" ? rest : [first, ...rest];
}

Deno.test("what the image copies, fetches and runs is a whole service, and its health check tells", async () => {
  await using folder = await Folder.with();
  const app = folder.at("app");
  await copyTo(app);
  const names = Array.from(Deno.readDirSync(app), ({ name }) => name);
  assert.deepEqual(["deno.lock", "main.ts", "tasks"].filter((name) => !names.includes(name)), []);
  assert.deepEqual(["data", "dist", "tests"].filter((name) => names.includes(name)), []);

  const fetches = instructions().find(({ name, rest }) => name === "RUN" && rest.startsWith("deno "))!;
  const fetched = await run({ args: fetches.rest.split(" ").slice(1), cwd: app });
  assert.equal(fetched.code, 0, fetched.stderr);

  const env = {
    ...imageEnv(),
    HOST: "127.0.0.1",
    PORT: String(freePort()),
    KV_PATH: folder.at("data", "errand.kv"),
  };
  const [command] = lastStage("CMD").slice(-1);
  const health = argumentsOf(/ CMD (.*)$/.exec(lastStage("HEALTHCHECK")[0])![1]);
  assert.notEqual((await run({ args: health, cwd: app, env })).code, 0);
  await using service = await start({ args: argumentsOf(command), cwd: app, env });
  const healthy = await run({ args: health, cwd: app, env });
  assert.equal(healthy.code, 0, healthy.stderr);
  await worksAndStops(service);
});

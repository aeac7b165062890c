// What the Dockerfile does, done in a folder: no registry of images is asked.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Env, imageEnv, instructions, lastStage, root, textOf } from "./folder.ts";
import { aFolder, Program, worksAndStops } from "./program.ts";

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

async function run(args: string[], cwd: string, env: Env = {}): Promise<{ code: number; said: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd, env }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

/** The arguments after `deno` of what an image runs, in the form of a JSON list. */
function argumentsOf(list: string): string[] {
  const [first, ...rest] = JSON.parse(list);
  return first === "deno" ? rest : [first, ...rest];
}

function freePort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return String((listener.addr as Deno.NetAddr).port);
}

Deno.test("what the image copies, fetches and runs is a whole service, and its health check tells", async () => {
  await using folder = await aFolder();
  const app = join(folder.path, "app");
  await copyTo(app);
  const names = Array.from(Deno.readDirSync(app), ({ name }) => name);
  assert.deepEqual(["deno.lock", "main.ts", "tasks"].filter((name) => !names.includes(name)), []);
  assert.deepEqual(["data", "dist", "tests"].filter((name) => names.includes(name)), []);

  const fetches = instructions().find(({ name, rest }) => name === "RUN" && rest.startsWith("deno "))!;
  const fetched = await run(fetches.rest.split(" ").slice(1), app);
  assert.equal(fetched.code, 0, fetched.said);

  const env = {
    ...imageEnv(),
    HOST: "127.0.0.1",
    PORT: freePort(),
    KV_PATH: join(folder.path, "data", "errand.kv"),
  };
  const [command] = lastStage("CMD").slice(-1);
  const health = argumentsOf(/ CMD (.*)$/.exec(lastStage("HEALTHCHECK")[0])![1]);
  assert.notEqual((await run(health, app, env)).code, 0);
  await using service = await Program.start({
    program: Deno.execPath(),
    args: argumentsOf(command),
    cwd: app,
    env,
  });
  const healthy = await run(health, app, env);
  assert.equal(healthy.code, 0, healthy.said);
  await worksAndStops(service);
});

// The program `errand` as a process: services that are killed under it, Ctrl-C, and a backup under load.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { commandsWork } from "../support/commands_work.ts";
import { Folder } from "../support/folder.ts";
import { lastingPorts } from "../support/ports.ts";
import { run, ServiceProcess } from "../support/program.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import { skippedIf } from "../support/skip.ts";
import { eventually } from "../support/waiting.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = ["run", "-A", "--config=cli/deno.json", "cli/main.ts"];

function errand(url: string, ...args: string[]): ServiceProcess {
  return new ServiceProcess({ args: [...PROGRAM, ...args], cwd, env: { ERRAND_URL: url } });
}

Deno.test("the commands that an operator begins with work beside a service", async () => {
  await using folder = await Folder.with();
  const KV_PATH = folder.at("errand.kv");
  await using server = await Server.start({ KV_PATH });
  await commandsWork({ args: PROGRAM, cwd }, server.url, KV_PATH, folder);
});

Deno.test("submit --wait outlives a kill -9 of the service, and its restart", async () => {
  await using database = await aDatabase();
  const [port] = lastingPorts(1);
  const env = { KV_PATH: database.path, PORT: String(port), LEASE_MS: "2000" };
  const first = await Server.start(env);
  await using waiting = errand(first.url, "submit", "sleep", '{"ms": 5000, "value": "done"}', "--wait");
  await eventually(() => /submitted (\S+);/.test(waiting.output.stderr), () => waiting.output.stderr);
  const id = /submitted (\S+);/.exec(waiting.output.stderr)![1];
  await first.until(id, "RUNNING");
  await first.end("SIGKILL");
  await using _second = await Server.start(env);
  const { code } = await waiting.ended;
  assert.deepEqual([code, waiting.output.stdout], [0, '"done"\n'], waiting.output.stderr);
});

Deno.test("Ctrl-C ends tail and not the task, and top gives the terminal back", async () => {
  await using server = await Server.start({ KV_PATH: ":memory:" });
  const { id } = await server.submit("countdown", { from: 10_000, stepMs: 50 });
  await using tail = errand(server.url, "tail", id);
  await eventually(() => tail.output.stdout.includes("T minus"), () => tail.output.stderr);
  const { signal } = await tail.end("SIGINT");
  assert.equal(signal, "SIGINT");
  assert.equal((await server.task(id)).state.type, "RUNNING");
  await using all = errand(server.url, "tail", "--task", "add", "--state", "COMPLETED");
  await eventually(async () => {
    await server.submit("add", { a: 1, b: 2 });
    return all.output.stdout.includes("  add  Completed\n");
  }, () => all.output.stderr);
  assert.equal((await all.end("SIGINT")).signal, "SIGINT");
  await using top = errand(server.url, "top", "--every", "10ms");
  await eventually(() => top.output.stdout.split("errand top").length > 3, () => top.output.stderr);
  const { code } = await top.end("SIGINT");
  assert.deepEqual([code, top.output.stderr], [0, ""]);
  // With the service gone it goes on asking, and says so.
  await using lonely = errand(server.url, "top", "--every", "10ms", "--try-for", "0");
  await eventually(() => lonely.output.stdout.includes("errand top"), () => lonely.output.stderr);
  await server.end("SIGKILL");
  await eventually(() => lonely.output.stdout.includes("no answer since then"), () => lonely.output.stderr);
  assert.equal((await lonely.end("SIGTERM")).code, 0);
});

Deno.test("a backup under load has every task that was acknowledged before it, and a service runs on it", async () => {
  await using folder = await Folder.with();
  await using database = await aDatabase();
  await using server = await Server.start({ KV_PATH: database.path });
  const acknowledged: string[] = [];
  let isOver = false;
  const load = async () => {
    for (let n = 0; !isOver; n++) acknowledged.push((await server.submit("echo", { value: n })).id);
  };
  const loads = Array.from({ length: 8 }, load);
  await eventually(() => acknowledged.length > 500);
  const before = [...acknowledged];
  const copy = folder.at("copy.kv");
  const args = [...PROGRAM, "backup", copy, "--database", database.path, "-o", "json"];
  const { code, stdout, stderr } = await run({ args, cwd });
  isOver = true;
  await Promise.all(loads);
  assert.equal(code, 0, stderr);
  const { tasks } = JSON.parse(stdout);
  assert.ok(tasks >= before.length && tasks <= acknowledged.length, `${tasks} of ${before.length}`);
  await using restored = await Server.start({ KV_PATH: copy });
  for (const id of before) assert.equal((await restored.ended(id)).state.type, "COMPLETED");
});

Deno.test("errand serve is the service, and so is errand alone; a wrong setting ends it with code 2", async () => {
  for (const args of [["serve"], []]) {
    const env = { PORT: "0", KV_PATH: ":memory:", DEMO_TASKS: "true", API_KEYS: "" };
    await using server = await Server.run({ args: [...PROGRAM, ...args], cwd, env });
    const { id } = await server.submit("add", { a: 1, b: 2 });
    assert.equal((await server.ended(id)).result, 3);
    assert.equal((await server.end("SIGTERM")).code, 0);
  }
  const { code, stderr } = await run({ args: [...PROGRAM, "serve"], cwd, env: { PORT: "zz" } });
  assert.equal(code, 2);
  assert.match(stderr, /^errand cannot start: PORT must be a whole number; it is "zz"$/m);
});

/** What the machine lacks of it; null: nothing. */
function missingShell(name: string): Promise<string | null> {
  return run({ program: name, args: ["--version"] }).then(() => null, () => `no ${name}`);
}

Deno.test({
  ...skippedIf(await missingShell("bash"), "the completion of bash asks the program"),
  async fn() {
    const script = `errand() { "$DENO" ${PROGRAM.join(" ")} "$@"; }
      source <(errand completion bash)
      COMP_WORDS=(errand queue p); COMP_CWORD=2; _errand; echo "\${COMPREPLY[@]}"
      COMP_WORDS=(errand ls --state ""); COMP_CWORD=3; _errand; echo "\${#COMPREPLY[@]}"`;
    const options = { program: "bash", args: ["-c", script], cwd, env: { DENO: Deno.execPath() } };
    const { stdout, stderr } = await run(options);
    assert.equal(stdout, "pause\n9\n", stderr);
  },
});

Deno.test({
  ...skippedIf(
    await missingShell("fish"),
    "the completion of fish asks the program, and offers files where it knows nothing",
  ),
  async fn() {
    await using folder = await Folder.with();
    await Deno.writeTextFile(folder.at("a-file"), "");
    const script = `function errand; "$DENO" ${PROGRAM.join(" ")} $argv; end
      errand completion fish | source
      complete -C "errand queue p"; complete -C "errand backup ${folder.at("a-f")}"`;
    const options = { program: "fish", args: ["-c", script], cwd, env: { DENO: Deno.execPath() } };
    const { stdout, stderr } = await run(options);
    assert.equal(stdout, `pause\n${folder.at("a-file")}\n`, stderr);
  },
});

Deno.test({
  ...skippedIf(await missingShell("zsh"), "the completion of zsh asks the program, sourced or in fpath"),
  async fn() {
    await using folder = await Folder.with();
    const script = `errand() { "$DENO" ${PROGRAM.join(" ")} "$@" }
      compdef() { defined=$2 }; compadd() { shift; echo "$@" }
      words=(errand queue p); CURRENT=3
      source <(errand completion zsh); _errand; echo $defined
      errand completion zsh > ${folder.at("_errand")}; unfunction _errand
      fpath=(${folder.at("")} $fpath); autoload -U _errand; _errand`;
    const options = { program: "zsh", args: ["-f", "-c", script], cwd, env: { DENO: Deno.execPath() } };
    const { stdout, stderr } = await run(options);
    assert.equal(stdout, "pause\nerrand\npause\n", stderr);
  },
});

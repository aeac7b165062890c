import "./support/sanitizers.ts";
import assert from "node:assert/strict";

const root = new URL("../", import.meta.url);

/** Files of runtime/ by level: a file imports lower levels only. Types count as well. */
const LEVELS = [
  "clock errors family flow_forms handle json keys lease_book log rounds runners/portable submission wake/bell",
  "connection cursor define flow_schema ids mapping references wake/sweep",
  "remote_kv",
  "kv",
  "faults retry runners/runner runners/thread_main task tickets",
  "batch codec events queue registry remembered runners/inline runners/thread transitions values wake/queue wake/watch",
  "draft entries flow_graph group_log joins outlook report runners/mod size",
  "flow unit weave",
  "committer",
  "store",
  "depth discard edges inputs repeat resume seal",
  "attempt claim notify peers steer timers whole window",
  "claims due_loop execute follow leftovers patrol reaper submit task_stream waiting",
  "children groups list pulse",
  "worker",
  "completions",
  "mod",
].map((names) => names.split(" "));

interface Import {
  file: string;
  /** A path within the checkout, or a bare name. */
  of: string;
  onlyTypes: boolean;
}

function sourceFiles(directory = ""): string[] {
  return [...Deno.readDirSync(new URL(directory || ".", root))].flatMap(({ name, isDirectory }) => {
    if (name.startsWith(".") || name === "node_modules") return [];
    if (isDirectory) return sourceFiles(`${directory}${name}/`);
    return name.endsWith(".ts") ? [`${directory}${name}`] : [];
  }).sort();
}

function textOf(file: string): string {
  return Deno.readTextFileSync(new URL(file, root));
}

/** Without comments, as far as the rules below need it. */
function codeOf(file: string): string {
  return textOf(file).replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
}

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (name: string, onlyTypes: boolean) => {
    const of = name.startsWith(".") ? new URL(name, new URL(file, root)).href.slice(root.href.length) : name;
    found.push({ file, of, onlyTypes });
  };
  const code = codeOf(file);
  for (const [, what, name] of code.matchAll(/^\s*(?:import|export)\s([^;"]*?)\sfrom\s+"([^"]+)"/gm)) {
    add(name, what.startsWith("type "));
  }
  for (const [, name] of code.matchAll(/^\s*import\s+"([^"]+)"/gm)) add(name, false);
  for (const [, name] of code.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)) add(name, false);
  return found;
}

const files = sourceFiles();
const imports = files.flatMap(importsOf);
const under = (directory: string) => imports.filter(({ file }) => file.startsWith(`${directory}/`));
const shown = (all: Import[]) => all.map(({ file, of }) => `${file} imports ${of}`);
const isOwn = (of: string) => files.includes(of);

Deno.test("the search finds imports of every kind", () => {
  assert.ok(files.includes("runtime/store/store.ts") && files.includes("main.ts"));
  assert.ok(imports.some(({ file, of }) => file === "assemble.ts" && of === "runtime/mod.ts"));
  assert.ok(imports.some(({ onlyTypes, of }) => onlyTypes && of === "runtime/core/define.ts"));
  const own = imports.filter(({ of }) => /^(runtime|routes|tasks|client|demo|bench)\//.test(of));
  assert.deepEqual(shown(own.filter(({ of }) => !isOwn(of))), [], "imports of files that are not there");
});

Deno.test("main.ts alone knows the definitions, and imports the configuration and the service besides", () => {
  const own = imports.filter(({ file, of }) => file === "main.ts" && isOwn(of)).map(({ of }) => of).sort();
  assert.deepEqual(own, ["config.ts", "service.ts", "tasks/mod.ts"]);
});

Deno.test("deploy/ and what stands beside main.ts import no definitions and nothing of client/, demo/ or bench/", () => {
  const wrong = imports.filter(({ file, of }) =>
    isOwn(of) && /^([^/]+|deploy\/.*)$/.test(file) && file !== "main.ts" &&
    !/^([^/]+|(routes|runtime|deploy)\/.*)$/.test(of)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("routes/ and runtime/ know nothing of deploy/", () => {
  const wrong = imports.filter(({ file, of }) =>
    of.startsWith("deploy/") && /^(routes|runtime|tasks)\//.test(file)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("nobody imports main.ts, the demo or the bench", () => {
  const wrong = imports.filter(({ file, of }) =>
    (of === "main.ts" || /^(demo|bench)\//.test(of)) && !file.startsWith("tests/") &&
    file.split("/")[0] !== of.split("/")[0]
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("tools/ imports what an API key is, and only tests and bench/ import tools/", () => {
  const wrong = under("tools").filter(({ of }) =>
    isOwn(of) && !of.startsWith("tools/") && of !== "auth/api_keys.ts"
  );
  assert.deepEqual(shown(wrong), []);
  const users = imports.filter(({ file, of }) =>
    of.startsWith("tools/") && !/^(tools|tests|bench)\//.test(file)
  );
  assert.deepEqual(shown(users), []);
});

Deno.test("no source imports a test", () => {
  const wrong = imports.filter(({ file, of }) => of.startsWith("tests/") && !file.startsWith("tests/"));
  assert.deepEqual(shown(wrong), []);
});

Deno.test("routes/ imports runtime/ and itself, and no tasks", () => {
  const wrong = under("routes").filter(({ of }) => isOwn(of) && !/^(routes|runtime)\//.test(of));
  assert.deepEqual(shown(wrong), []);
});

Deno.test("routes/ never opens or types Deno KV", () => {
  const wrong = files.filter((file) =>
    file.startsWith("routes/") && /\bDeno\.(Kv|openKv)/.test(codeOf(file))
  );
  assert.deepEqual(wrong, []);
  const ports = under("routes").filter(({ of }) =>
    of === "runtime/platform/kv.ts" || of === "runtime/platform/keys.ts"
  );
  assert.deepEqual(shown(ports), []);
});

Deno.test("runtime/ imports itself and npm packages other than Hono", () => {
  const wrong = under("runtime").filter(({ of }) =>
    isOwn(of) ? !of.startsWith("runtime/") : /^(npm:)?@?hono\b/.test(of)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("tasks/ imports runtime/core/define.ts, runtime/core/errors.ts, itself and packages", () => {
  const allowed = ["runtime/core/define.ts", "runtime/core/errors.ts"];
  const wrong = under("tasks").filter(({ of }) =>
    isOwn(of) && !of.startsWith("tasks/") && !allowed.includes(of)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("client/ imports only types of the project", () => {
  const wrong = under("client").filter(({ of, onlyTypes }) =>
    isOwn(of) && !of.startsWith("client/") && !onlyTypes
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("every file of runtime/ has a level, and every level's files are there", () => {
  const declared = LEVELS.flat().map((name) => `runtime/${name}.ts`).sort();
  assert.deepEqual(files.filter((file) => file.startsWith("runtime/")), declared);
});

Deno.test("inside runtime/ a file imports lower levels only, so there are no circles", () => {
  const levelOf = new Map(LEVELS.flatMap((names, level) => names.map((name) => [name, level])));
  const short = (file: string) => file.slice("runtime/".length, -".ts".length);
  const wrong = under("runtime").filter(({ of }) => isOwn(of))
    .map(({ file, of }) => ({ from: short(file), to: short(of) }))
    .filter(({ from, to }) => levelOf.get(to)! >= levelOf.get(from)!)
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

Deno.test("in runtime/ only clock.ts and ids.ts reach for time and randomness", () => {
  const reaches =
    /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bperformance\.now\b|\bgetRandomValues\b|\brandomUUID\b|\bset(Timeout|Interval)\b|\bAbortSignal\.timeout\b/;
  const reaching = files.filter((file) => file.startsWith("runtime/") && reaches.test(codeOf(file)));
  assert.deepEqual(reaching, ["runtime/platform/clock.ts", "runtime/platform/ids.ts"]);
});

Deno.test("nothing is imported from jsr: or from a URL", () => {
  const wrong = imports.filter(({ of }) => /^(jsr:|https?:)/.test(of));
  assert.deepEqual(shown(wrong), []);
  const { imports: map } = JSON.parse(textOf("deno.json")) as { imports: Record<string, string> };
  assert.deepEqual(Object.values(map).filter((target) => !target.startsWith("npm:")), []);
});

import "./support/sanitizers.ts";
import assert from "node:assert/strict";

const root = new URL("../", import.meta.url);

/**
 * The wings of runtime/, from the ground up: a file imports from its own wing and from lower ones. `queries` and
 * `maintenance` stand on one floor and ignore each other.
 */
const FLOORS = [
  ["core"],
  ["platform"],
  ["store"],
  ["dependencies"],
  ["queries", "maintenance"],
  ["commands"],
  ["worker"],
  ["runtime.ts"],
  ["mod.ts"],
];

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
    !/^([^/]+|(routes|runtime|deploy|auth)\/.*)$/.test(of)
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

Deno.test("routes/ imports auth/, runtime/ and itself, and no tasks", () => {
  const wrong = under("routes").filter(({ of }) => isOwn(of) && !/^(routes|runtime|auth)\//.test(of));
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

const wingOf = (file: string) => file.split("/")[1];
const floorOf = (file: string) => FLOORS.findIndex((wings) => wings.includes(wingOf(file)));

Deno.test("in runtime/ imports go down the wings only", () => {
  const strangers = files.filter((file) => file.startsWith("runtime/") && floorOf(file) < 0);
  assert.deepEqual(strangers, [], "in no wing");
  const wrong = under("runtime").filter(({ file, of }) =>
    isOwn(of) && wingOf(file) !== wingOf(of) && floorOf(of) >= floorOf(file)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("outsiders import runtime/mod.ts and runtime/core/ only", () => {
  const wrong = imports.filter(({ file, of }) =>
    of.startsWith("runtime/") && !/^(runtime|tests|bench)\//.test(file) &&
    !/^runtime\/(mod\.ts|core\/)/.test(of)
  );
  assert.deepEqual(shown(wrong), []);
});

Deno.test("no imports go round in a circle", () => {
  const open: string[] = [];
  const done = new Set<string>();
  const visit = (file: string): void => {
    if (done.has(file)) return;
    assert.ok(!open.includes(file), [...open.slice(open.indexOf(file)), file].join(" → "));
    open.push(file);
    for (const { of } of imports.filter((each) => each.file === file && isOwn(each.of))) visit(of);
    open.pop();
    done.add(file);
  };
  files.filter((file) => !file.startsWith("tests/")).forEach(visit);
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

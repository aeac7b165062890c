import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { circleIn, type Import, importsOf, sourceFiles, textOf, withoutComments } from "./support/imports.ts";

/** What each folder may import besides itself. "." is the files at the top; bench/ and tests/ are free. */
const MAY_IMPORT: Record<string, string[]> = {
  runtime: [],
  auth: ["runtime"],
  routes: ["auth", "runtime"],
  serving: ["routes", "runtime"],
  client: ["runtime"],
  tasks: ["runtime"],
  tools: ["auth", "runtime"],
  starter: [],
  page: ["client"],
  demo: ["client", "tasks", "tools"],
  cli: [".", "client", "runtime", "tools"],
  deploy: [".", "auth", "runtime"],
  ".": ["auth", "client", "deploy", "routes", "runtime", "serving", "tasks", "tools"],
};

/** The wings of a folder from the ground up: imports go down. Wings on one floor ignore each other. */
const FLOORS: Record<string, string[][]> = {
  runtime: [
    ["core"],
    ["platform"],
    ["store"],
    ["flow_control", "queues"],
    ["dependencies"],
    ["queries", "maintenance"],
    ["metrics"],
    ["commands"],
    ["schedules"],
    ["worker"],
    ["process"],
    ["."],
  ],
  client: [
    ["protocol"],
    ["transport"],
    ["futures"],
    ["canvas"],
    ["keys", "limits", "queues", "schedules", "tasks"],
    ["definitions", "operation"],
    ["."],
  ],
};

/** The client is one file for browsers and Node: of the service it takes this along, and nothing else. */
const SHARED = "runtime/core/exact_number.ts";

const folderOf = (file: string) => file.includes("/") ? file.split("/")[0] : ".";
const wingOf = (file: string) => file.split("/")[2] === undefined ? "." : file.split("/")[1];
const floorOf = (file: string) => FLOORS[folderOf(file)].findIndex((wings) => wings.includes(wingOf(file)));
const isFree = (file: string) => ["bench", "tests"].includes(folderOf(file));

/** The rules that an import between two files of the project can break. */
const RULES: Record<string, (file: string, of: string, isTypeOnly: boolean) => boolean> = {
  "folders import only those in MAY_IMPORT": (file, of) =>
    isFree(file) || folderOf(file) === folderOf(of) || !!MAY_IMPORT[folderOf(file)]?.includes(folderOf(of)),
  "outsiders import runtime/mod.ts and runtime/core/ only": (file, of) =>
    isFree(file) || folderOf(of) !== "runtime" || folderOf(file) === "runtime" ||
    /^runtime\/(mod\.ts|core\/)/.test(of),
  "tasks/ imports runtime/core/ only": (file, of) =>
    folderOf(file) !== "tasks" || folderOf(of) !== "runtime" || wingOf(of) === "core",
  "imports go down the wings only": (file, of) =>
    folderOf(file) !== folderOf(of) || !(folderOf(file) in FLOORS) || wingOf(file) === wingOf(of) ||
    floorOf(of) < floorOf(file),
  "client/ imports only types of others, and what it shares with the service": (file, of, isTypeOnly) =>
    folderOf(file) !== "client" || folderOf(of) === "client" || isTypeOnly || of === SHARED,
  "what the client shares with the service imports nothing": (file) => file !== SHARED,
  "page/ imports only types of the client, as its users have them": (file, of, isTypeOnly) =>
    folderOf(file) !== "page" || folderOf(of) !== "client" || isTypeOnly && of === "client/npm/errand.d.ts",
  "main.ts alone imports tasks/ and tools/ at the top": (file, of) =>
    folderOf(file) !== "." || !["tasks", "tools"].includes(folderOf(of)) || file === "main.ts",
  "only tests and `errand serve` import main.ts": (file, of) =>
    of !== "main.ts" || isFree(file) || file === "cli/commands/serve.ts",
  "cli/ imports client/mod.ts only": (file, of) =>
    folderOf(file) !== "cli" || folderOf(of) !== "client" || of === "client/mod.ts",
};

/** A line for each import that breaks a rule. */
function broken(imports: Import[]): string[] {
  return imports.flatMap(({ file, of, isTypeOnly = false }) =>
    Object.entries(RULES).flatMap(([rule, holds]) =>
      holds(file, of, isTypeOnly) ? [] : [`${file} imports ${of}: ${rule}`]
    )
  );
}

const files = sourceFiles();
const imports = files.flatMap((file) => importsOf(file));
const own = imports.filter(({ of }) => files.includes(of));

Deno.test("every import keeps the rules", () => {
  assert.deepEqual(broken(own), []);
});

Deno.test("every file of runtime/ and client/ is in a wing", () => {
  const all = files.filter((file) => folderOf(file) in FLOORS && !file.startsWith("client/npm/"));
  assert.deepEqual(all.filter((file) => floorOf(file) < 0), []);
  const atTheTop = all.filter((file) => wingOf(file) === ".");
  const known = [
    "client/client.ts",
    "client/mod.ts",
    "runtime/caller_view.ts",
    "runtime/mod.ts",
    "runtime/operation_view.ts",
    "runtime/runtime.ts",
  ];
  assert.deepEqual(atTheTop, known);
});

Deno.test("no imports go round in a circle", () => {
  assert.equal(circleIn(own)?.join(" → "), undefined);
});

Deno.test("an import that breaks a rule is found, and one that keeps it is not", () => {
  const breaking: [string, string, number][] = [
    ["runtime/store/store.ts", "runtime/worker/worker.ts", 1],
    ["runtime/worker/worker.ts", "runtime/store/store.ts", 0],
    ["runtime/queries/wait.ts", "runtime/maintenance/reaper.ts", 1],
    ["runtime/maintenance/reaper.ts", "runtime/queries/wait.ts", 1],
    ["runtime/core/task.ts", "runtime/mod.ts", 1],
    ["runtime/worker/worker.ts", "runtime/process/options.ts", 1],
    ["runtime/process/background.ts", "runtime/worker/worker.ts", 0],
    ["runtime/mod.ts", "auth/tickets.ts", 1],
    ["runtime/mod.ts", "runtime/worker/worker.ts", 0],
    ["routes/v1/wait.ts", "runtime/queries/wait.ts", 1],
    ["routes/v1/wait.ts", "runtime/mod.ts", 0],
    ["routes/v1/wait.ts", "tasks/mod.ts", 1],
    ["auth/tickets.ts", "runtime/platform/keys.ts", 1],
    ["auth/tickets.ts", "routes/app.ts", 1],
    ["tasks/add.ts", "runtime/mod.ts", 1],
    ["tasks/add.ts", "runtime/core/define.ts", 0],
    ["client/futures/wait.ts", "client/canvas/canvas.ts", 1],
    ["client/futures/wait.ts", "runtime/core/define.ts", 1],
    ["client/protocol/json.ts", "runtime/core/exact_number.ts", 0],
    ["runtime/core/exact_number.ts", "runtime/core/states.ts", 1],
    ["deploy/pump.ts", "service.ts", 0],
    ["deploy/pump.ts", "tasks/mod.ts", 1],
    ["service.ts", "tasks/mod.ts", 1],
    ["main.ts", "tasks/mod.ts", 0],
    ["service.ts", "main.ts", 1],
    ["cli/commands/serve.ts", "main.ts", 0],
    ["cli/commands/list.ts", "main.ts", 1],
    ["cli/commands/list.ts", "client/tasks/tasks.ts", 1],
    ["page/data/answers.ts", "client/npm/errand.d.ts", 1],
    ["page/data/answers.ts", "client/mod.ts", 1],
    ["service.ts", "tests/support/service.ts", 1],
    ["tests/support/service.ts", "runtime/store/store.ts", 0],
  ];
  for (const [file, of, count] of breaking) {
    assert.equal(broken([{ file, of }]).length, count, `${file} imports ${of}`);
  }
  const circle = [{ file: "a.ts", of: "b.ts" }, { file: "b.ts", of: "c.ts" }, { file: "c.ts", of: "b.ts" }];
  assert.deepEqual(circleIn(circle), ["b.ts", "c.ts", "b.ts"]);
  assert.equal(circleIn(circle.slice(0, 2)), null);
});

Deno.test("imports of every kind are found", () => {
  const text = [
    'import { a } from "./a.ts";',
    'import type { B } from "../b.ts";',
    'export {\n  c,\n} from "./c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    '// import { f } from "./f.ts";',
    'import { z } from "zod";',
  ].join("\n");
  assert.deepEqual(importsOf("x/y.ts", text).map(({ of, isTypeOnly }) => [of, isTypeOnly]), [
    ["x/a.ts", false],
    ["b.ts", true],
    ["x/c.ts", false],
    ["zod", false],
    ["x/d.ts", false],
    ["x/e.ts", false],
  ]);
  const lost = imports.filter(({ of }) => of.split("/")[0] in MAY_IMPORT && !files.includes(of));
  assert.deepEqual(lost, [], "imports of files that are not there");
});

Deno.test("packages come from npm, and runtime/ does without Hono", () => {
  assert.deepEqual(imports.filter(({ of }) => /^(jsr:|https?:)/.test(of)), []);
  assert.deepEqual(
    imports.filter(({ file, of }) => folderOf(file) === "runtime" && /^(npm:)?@?hono\b/.test(of)),
    [],
  );
});

Deno.test("routes/ never opens or types Deno KV", () => {
  const isKv = (file: string) => /\bDeno\.(Kv|openKv)/.test(withoutComments(textOf(file)));
  assert.deepEqual(files.filter((file) => folderOf(file) === "routes" && isKv(file)), []);
});

Deno.test("in runtime/ only clock.ts and ids.ts reach for time and randomness", () => {
  const reaches =
    /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bperformance\.now\b|\bgetRandomValues\b|\brandomUUID\b|\bset(Timeout|Interval)\b|\bAbortSignal\.timeout\b/;
  const reaching = files.filter((file) =>
    folderOf(file) === "runtime" && reaches.test(withoutComments(textOf(file)))
  );
  assert.deepEqual(reaching, ["runtime/platform/clock.ts", "runtime/platform/ids.ts"]);
});

const KEYS = ["runtime/platform/keys.ts", "runtime/platform/service_keys.ts"];

Deno.test("keys of the database are spelled and read in platform/keys.ts and service_keys.ts only", () => {
  const reads = /\b[kK]ey\[|\b[kK]ey as \[|\[\.\.\.[\w.#]*([pP]refix|prefixes[\w.(), "]*|[kK]ey)[,\]]/;
  const spells = /(\b(key|prefix|start|end): |\b(KvKey|Key) = |\.(get|set|delete|watch|getMany)\(\[?)\["/;
  const bad = [
    "key[1]",
    "first.key as [string]",
    '[...prefix, ""]',
    '{ key: ["task", id] }',
    'kv.get(["task"])',
  ];
  assert.deepEqual(bad.filter((code) => !reads.test(code) && !spells.test(code)), []);
  const wrong = files.filter((file) => {
    if (!["runtime", "auth", "routes", "deploy", "."].includes(folderOf(file))) return false;
    const code = withoutComments(textOf(file));
    return !KEYS.includes(file) && (reads.test(code) || spells.test(code));
  });
  assert.deepEqual(wrong, []);
});

/** Comment lines that are longer, with their numbers: `deno fmt` does not wrap comments. */
function longComments(text: string): string[] {
  return text.split("\n").flatMap((line, i) => {
    const isLong = /^\s*(\/\/|\/\*|\*)/.test(line) && [...line].length > 110;
    return isLong ? [`${i + 1}: ${line.trim()}`] : [];
  });
}

Deno.test("comment lines have at most 110 columns", () => {
  const lines = ["// ", "  /** ", "   * ", "const text = "].map((start) => start.padEnd(111, "x"));
  assert.equal(longComments(lines.join("\n")).length, 3);
  assert.deepEqual(longComments(lines.map((line) => line.slice(1)).join("\n")), []);
  const own = files.filter((file) => !file.startsWith("client/npm/"));
  const long = own.flatMap((file) => longComments(textOf(file)).map((line) => `${file}:${line}`));
  assert.deepEqual(long, []);
});

Deno.test("no source file has more than 300 lines", () => {
  const sources = files.filter((file) => folderOf(file) !== "tests" && !file.startsWith("client/npm/"));
  assert.ok(sources.length > 300, `${sources.length} were found`);
  const long = sources.map((file) => `${file}: ${textOf(file).trimEnd().split("\n").length}`);
  assert.deepEqual(long.filter((line) => Number(line.split(": ")[1]) > 300), []);
});

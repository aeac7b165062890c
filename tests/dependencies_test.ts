// What a first run downloads: Deno fetches all that deno.lock holds, for every task and every `deno run`. So
// test and build tools stand in a configuration of their own, tests/deno.json, with its own lock file.

import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { run } from "./support/program.ts";

const root = new URL("../", import.meta.url);
const MOST = 15;

interface Lock {
  npm: Record<string, { integrity: string; scripts?: boolean }>;
}

interface Config {
  imports: Record<string, string>;
  fmt: Record<string, unknown>;
  lint: Record<string, unknown>;
  [other: string]: unknown;
}

interface Info {
  modules: {
    specifier: string;
    npmPackage?: string;
    dependencies?: { isDynamic?: boolean; code?: { specifier: string } }[];
  }[];
  redirects: Record<string, string>;
  npmPackages: Record<string, { name: string; dependencies: string[] }>;
}

function read<T>(file: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(file, root)));
}

const lock = read<Lock>("deno.lock");

/** The npm packages that a program imports, and those that they depend on. */
async function packagesOf(entry: string): Promise<string[]> {
  const { code, stdout, stderr } = await run({ args: ["info", "--json", entry], cwd: root.pathname });
  assert.equal(code, 0, stderr);
  const { modules, npmPackages }: Info = JSON.parse(stdout);
  const found = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  for (const one of found) npmPackages[one].dependencies.forEach((dependency) => found.add(dependency));
  return [...found];
}

Deno.test(`a first run downloads at most ${MOST} packages, each of which the service or the demo needs`, async () => {
  const needed = [...await packagesOf("main.ts"), ...await packagesOf("demo/main.ts")];
  const locked = Object.keys(lock.npm);
  assert.deepEqual(
    locked.sort(),
    [...new Set(needed)].sort(),
    "a test or build tool belongs in tests/deno.json",
  );
  assert.ok(locked.some((name) => name.startsWith("zod@")));
  assert.ok(locked.length <= MOST, locked.join(", "));
});

/** What Deno loads before a program runs: all that is imported, and nothing that is by `import()`. */
async function loadedAtStart(entry = "main.ts", ...flags: string[]): Promise<string[]> {
  const args = ["info", "--json", ...flags, entry];
  const { code, stdout, stderr } = await run({ args, cwd: root.pathname });
  assert.equal(code, 0, stderr);
  const { modules, redirects }: Info = JSON.parse(stdout);
  const of = new Map(modules.map(({ specifier, dependencies = [] }) => [specifier, dependencies]));
  const found = new Set([new URL(entry, root).href]);
  for (const name of found) {
    for (const { isDynamic, code } of of.get(name) ?? []) {
      if (!isDynamic && code?.specifier) found.add(redirects[code.specifier] ?? code.specifier);
    }
  }
  return [...found].map((name) => name.replace(root.href, ""));
}

Deno.test("a start loads nothing that only some services or calls need", async () => {
  const loaded = await loadedAtStart();
  for (const needed of ["runtime/worker/claim.ts", "tasks/own.ts"]) assert.ok(loaded.includes(needed));
  const late = [
    /zod-openapi|croner|node:(crypto|net|v8|worker_threads)$/,
    /^deploy\/|^routes\/site\/(openapi|example_value)|\.json$/,
    /^tasks\/(?!own\.ts)/,
  ];
  assert.deepEqual(loaded.filter((name) => late.some((pattern) => pattern.test(name))), []);
});

Deno.test("errand --help loads what reads the arguments, and nothing of the service or the client", async () => {
  const loaded = await loadedAtStart("cli/main.ts", "--config=cli/deno.json");
  const others = loaded.filter((name) => !name.startsWith("cli/") && !name.startsWith("node:"));
  // Each imports nothing.
  const pure = ["exact_number", "nearest", "release", "states"].map((name) => `runtime/core/${name}.ts`);
  assert.deepEqual(others.sort(), ["npm:/commander@15.1.0", ...pure]);
  assert.deepEqual(loaded.filter((name) => name.startsWith("cli/commands/")), []);
});

Deno.test("the command line has the packages of the service, and one more", () => {
  const [service, cli] = [read<Config>("deno.json"), read<Config>("cli/deno.json")];
  assert.deepEqual(cli.imports, { ...service.imports, commander: "npm:commander@15.1.0" });
  for (const key of ["unstable", "compilerOptions"]) assert.deepEqual(cli[key], service[key], key);
  const { npm } = read<Lock>("cli/deno.lock");
  const others = Object.keys(npm).filter((name) => lock.npm[name]?.integrity !== npm[name].integrity);
  assert.deepEqual(others, ["commander@15.1.0"]);
});

Deno.test("deno.json names no package but those that the service and the demo import", () => {
  const named = Object.values(read<Config>("deno.json").imports);
  const locked = Object.keys(lock.npm).map((name) => `npm:${name.split("_")[0]}`);
  assert.deepEqual(named.filter((target) => !locked.includes(target)), []);
});

Deno.test("no package of a first run has install scripts, of which Deno would warn", () => {
  assert.deepEqual(Object.keys(lock.npm).filter((name) => lock.npm[name].scripts), []);
});

Deno.test("tests run on the very packages and settings that a service runs on", () => {
  const { npm } = read<Lock>("tests/deno.lock");
  const others = Object.keys(lock.npm).filter((name) => npm[name]?.integrity !== lock.npm[name].integrity);
  assert.deepEqual(others, [], "these are not the same in tests/deno.lock");
  const [service, tests] = [read<Config>("deno.json"), read<Config>("tests/deno.json")];
  assert.deepEqual({ ...tests.imports, ...service.imports }, tests.imports);
  for (const key of ["unstable", "compilerOptions"]) assert.deepEqual(tests[key], service[key], key);
  assert.deepEqual([tests.fmt.lineWidth, tests.lint.rules], [service.fmt.lineWidth, service.lint.rules]);
});

Deno.test("the versions of all packages are exact, and locked", () => {
  const { npm } = read<Lock>("tests/deno.lock");
  const locked = Object.keys(npm).map((name) => `npm:${name.split("_")[0]}`);
  for (const [name, target] of Object.entries(read<Config>("tests/deno.json").imports)) {
    assert.match(target, new RegExp(`^npm:${name}@\\d+\\.\\d+\\.\\d+$`));
    assert.ok(locked.includes(target), `tests/deno.lock lacks ${target}: run deno task check`);
  }
});

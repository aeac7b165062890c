// What a first run downloads: Deno fetches all that deno.lock holds, for every task and every `deno run`. So test and
// build tools have a lock file of their own, tests/deno.lock.

import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const MOST = 15;
const REMEDY =
  "undo the change of deno.lock; tools are run with --lock=tests/deno.lock, as deno.json's tasks do";

interface Lock {
  npm: Record<string, { integrity: string; dependencies?: string[]; scripts?: boolean }>;
}

interface Info {
  modules: { npmPackage?: string }[];
  npmPackages: Record<string, { name: string; dependencies: string[] }>;
}

function read<T>(file: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(file, root)));
}

const lock = read<Lock>("deno.lock");

/** The npm packages that a program imports, and those that they depend on. */
async function packagesOf(entry: string): Promise<Set<string>> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: fileURLToPath(root),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { modules, npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as Info;
  const found = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  for (const one of found) npmPackages[one].dependencies.forEach((dependency) => found.add(dependency));
  return found;
}

Deno.test(`a first run downloads at most ${MOST} packages, each of which the service or the demo needs`, async () => {
  const needed = [...await packagesOf("main.ts"), ...await packagesOf("demo/main.ts")];
  assert.deepEqual(Object.keys(lock.npm).sort(), [...new Set(needed)].sort(), REMEDY);
  assert.ok(needed.some((name) => name.startsWith("zod@")), needed.join(", "));
  assert.ok(Object.keys(lock.npm).length <= MOST, Object.keys(lock.npm).join(", "));
});

Deno.test("no package of a first run has install scripts, of which Deno would warn", () => {
  assert.deepEqual(Object.keys(lock.npm).filter((name) => lock.npm[name].scripts), []);
});

Deno.test("tests run on the very packages that a service runs on", () => {
  const { npm } = read<Lock>("tests/deno.lock");
  const others = Object.keys(lock.npm).filter((name) => npm[name]?.integrity !== lock.npm[name].integrity);
  assert.deepEqual(others, [], "not the same in tests/deno.lock: run `deno task check`");
});

Deno.test("the versions of all packages are exact, those of the service, of tests/ and of tools/", () => {
  const { imports, scopes } = read<{
    imports: Record<string, string>;
    scopes: Record<string, Record<string, string>>;
  }>("deno.json");
  assert.deepEqual(Object.keys(scopes), ["./tests/", "./tools/"]);
  for (const [name, target] of [imports, ...Object.values(scopes)].flatMap(Object.entries)) {
    assert.match(target, new RegExp(`^npm:${name}@\\d+\\.\\d+\\.\\d+$`));
  }
});

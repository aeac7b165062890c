// The command that makes API keys.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readConfig } from "../../config.ts";
import { hashOf, hexOf } from "../../auth/api_keys.ts";
import { run } from "../support/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function key(...args: string[]): Promise<{ code: number; lines: string[]; said: string }> {
  const { code, stdout, stderr } = await run({ args: ["task", "key", ...args], cwd: root });
  return { code, lines: stdout.trimEnd().split("\n"), said: stderr };
}

Deno.test("a secret is shown once, and its entry is one that the service takes", async () => {
  const { code, lines, said } = await key("--", "--name", "ci", "--scopes", "submit+read");
  assert.equal(code, 0, said);
  assert.equal(lines.length, 2);
  const [secret, entry] = lines;
  assert.match(secret, /^errand_[\w-]{43}$/);
  assert.match(entry, /^ci:submit\+read:[0-9a-f]{64}$/);
  assert.ok(!said.includes(secret));
  const { API_KEYS } = readConfig({ API_KEYS: entry });
  assert.deepEqual([API_KEYS[0].name, hexOf(API_KEYS[0].hash)], ["ci", hexOf(hashOf(secret))]);
  const another = await key("--name", "ci", "--scopes", "submit+read");
  assert.notEqual(another.lines[0], secret);
});

Deno.test("what is wrong with an option is said, and the exit code is 2", async () => {
  const wrong: [string[], RegExp][] = [
    [[], /--name must have 1 to 40 letters.*; it is not given/],
    [["--name", "c/i", "--scopes", "read"], /--name must have .*; it is "c\/i"/],
    [["--name", "a".repeat(41), "--scopes", "read"], /--name must have 1 to 40/],
    [
      ["--name", "ci"],
      /--scopes must be some of submit, read, cancel, complete, work, operate, admin.*; it is not given/,
    ],
    [["--name", "ci", "--scopes", "read+wirte"], /--scopes must be .*; it is "read\+wirte"; "wirte" is none/],
    [["--name", "ci", "--scopes", "read,submit"], /--scopes must be .*; it is "read,submit"/],
    [["--nmae", "ci"], /unknown argument "--nmae"; did you mean "--name"\?/],
    [["--name"], /--name must have a value/],
    [["ci"], /unknown argument "ci"; known: --name, --scopes, --help/],
  ];
  for (const [args, message] of wrong) {
    const { code, lines, said } = await key("--", ...args);
    assert.equal(code, 2, said);
    assert.match(said, message);
    assert.doesNotMatch(said, /^\s+at /m);
    assert.deepEqual(lines, [""]);
  }
});

Deno.test("--help tells the scopes", async () => {
  const { code, lines } = await key("--", "--help");
  assert.equal(code, 0);
  for (const scope of ["submit", "read", "cancel", "complete", "work", "operate", "admin"]) {
    assert.ok(lines.some((line) => `${line.trim()} `.startsWith(`${scope} `)), scope);
  }
});

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { VARIABLES } from "../../config.ts";
import { readArguments, UsageError } from "../../tools/command_line.ts";
import { run } from "../support/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const options = { name: { type: "string" }, quick: { type: "boolean" } } as const;

Deno.test("arguments are read, with or without the dashes that deno task hands on", () => {
  const { values } = readArguments(["--", "--name", "ci", "--quick"], { options });
  assert.deepEqual([values.name, values.quick, values.help], ["ci", true, undefined]);
  assert.equal(readArguments(["--name=a b"], { options }).values.name, "a b");
  const given = { options, takesOperands: true };
  assert.deepEqual(readArguments(["a", "--quick", "b"], given).operands, ["a", "b"]);
  assert.equal(readArguments(["-h"], { options }).values.help, true);
});

Deno.test("what a command does not know is refused, with what it knows", () => {
  const wrong: [string[], RegExp][] = [
    [["--nmae", "ci"], /^unknown argument "--nmae"; did you mean "--name"\?$/],
    [["--port", "1"], /^unknown argument "--port"; known: --name, --quick, --help$/],
    [["-x"], /^unknown argument "-x"; known:/],
    [["quick"], /^unknown argument "quick"; known: --name, --quick, --help$/],
    [["--", "--", "--name"], /^unknown argument "--name"; known:/],
    [["--name"], /^--name must have a value behind it$/],
    [["--name", "--quick"], /^--name must have a value behind it$/],
    [["--quick=yes"], /^--quick takes no value; it has "yes"$/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => readArguments(args, { options }), (error: Error) => {
      assert.ok(error instanceof UsageError, error.stack);
      assert.match(error.message, message);
      return true;
    });
  }
});

const COMMANDS = [
  "main.ts",
  "demo/main.ts",
  "bench/main.ts",
  "bench/workers.ts",
  "tools/key.ts",
  "tools/denokv.ts",
  "tools/build_client.ts",
  "tests/simulation/run.ts",
  "tests/chaos/run.ts",
  "tests/fuzz/run.ts",
  "tests/conformance/table.ts",
  "tests/deploy/run.ts",
];

for (const file of COMMANDS) {
  Deno.test(`${file} refuses an argument that it does not know, before it does anything`, async () => {
    const config = file.startsWith("tests/") || file.startsWith("tools/build")
      ? ["--config=tests/deno.json"]
      : [];
    const command = ["run", "-A", "--no-check", ...config, file];
    const { code, stdout, stderr } = await run({ args: [...command, "--no-such-thing"], cwd: root });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^unknown argument "--no-such-thing"; .*--help\b.*\n--help says more\n$/);
    assert.equal(stdout, "");
  });
}

Deno.test("main.ts --help lists every variable that the service reads", async () => {
  const { code, stdout } = await run({ args: ["run", "-A", "--no-check", "main.ts", "--help"], cwd: root });
  assert.equal(code, 0);
  const listed = [...stdout.matchAll(/^ {2}([A-Z_]+) +\S/gm)].map(([, name]) => name);
  assert.deepEqual(listed, [...Object.keys(VARIABLES), "DENO_KV_ACCESS_TOKEN", "DIGEST_ROOT"]);
});

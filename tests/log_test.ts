import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { toJsonLine } from "../runtime/core/json.ts";
import { run } from "./support/program.ts";

/** All that any reader may take for the end of a line, and what a terminal may take for a command. */
const NASTY = 'a\nb\r\n{"level":"info"}\u2028c\u2029d\u0085e\u000bf\u001b[2Jg%s%%\ud800\u0000';

Deno.test("a line of JSON is one line to every reader, and has the same value", () => {
  const line = toJsonLine({ [NASTY]: [NASTY] });
  assert.match(line, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(line), { [NASTY]: [NASTY] });
});

Deno.test("whatever is logged, each line of the log is one object of JSON", async () => {
  const source = `
    import { log } from ${JSON.stringify(import.meta.resolve("../log.ts"))};
    const nasty = ${toJsonLine(NASTY)};
    log.info(nasty);
    log.error(nasty, new Error(nasty, { cause: nasty }), { task: nasty, id: nasty, attempt: 1 });
    log.error("x".repeat(200_000), nasty);
  `;
  const script = `data:text/javascript,${encodeURIComponent(source)}`;
  const { stderr } = await run({ args: ["run", "-A", script], env: {} });
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 3, stderr.slice(0, 1_000));
  const said = lines.map((line) => JSON.parse(line));
  assert.deepEqual(said.map(({ level, message }) => [level, message.slice(0, 3)]), [
    ["info", NASTY.slice(0, 3)],
    ["error", NASTY.slice(0, 3)],
    ["error", "xxx"],
  ]);
  for (const line of lines) assert.doesNotMatch(line, /\p{Cc}|\p{Zl}|\p{Zp}/u);
});

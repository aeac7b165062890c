import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { NAMES, readOptions } from "../../../bench/peers/options.ts";
import { UsageError } from "../../../tools/command_line.ts";

Deno.test("bench:peers runs all systems unless it is told which", () => {
  assert.deepEqual(readOptions([]), { help: false, rounds: 5, seconds: 10, names: NAMES });
  const args = ["--", "--only", "bullmq, errand", "--rounds", "2", "--seconds=1"];
  // In its own order: Errand first.
  assert.deepEqual(readOptions(args), { help: false, rounds: 2, seconds: 1, names: ["errand", "bullmq"] });
  assert.equal(readOptions(["--help"]).help, true);
});

Deno.test("bench:peers refuses a system that it does not know, and rounds that are none", () => {
  const wrong: [string[], RegExp][] = [
    [["--only", "errand,bulmq"], /^--only: unknown system "bulmq"; did you mean "bullmq"\?$/],
    [["--only", "sidekiq"], /^--only: unknown system "sidekiq"; known: errand, bullmq, pg-boss,/],
    [["--only", ""], /^--only/],
    [["--rounds", "0"], /^--rounds must be a whole number of at least 1; it is "0"$/],
    [["--seconds", "1.5"], /^--seconds must be a whole number of at least 1; it is "1.5"$/],
    [["--quick"], /^unknown argument "--quick"/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => readOptions(args), (error: Error) => {
      assert.ok(error instanceof UsageError, args.join(" "));
      assert.match(error.message, message);
      return true;
    });
  }
});

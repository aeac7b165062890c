import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { barText, Progress } from "../../demo/progress.ts";

/** The output for `steps` steps, `stepMs` apart. */
function written(isTerminal: boolean, { total, steps = total, stepMs = 1 }: Record<string, number>): string {
  let text = "";
  let now = 0;
  const progress = new Progress(total, { isTerminal, write: (more) => text += more, now: () => now });
  for (let step = 0; step < steps; step++) {
    progress.step();
    now += stepMs;
  }
  progress.end();
  return text;
}

Deno.test("elsewhere than on a terminal there is a line for every tenth", () => {
  const lines = written(false, { total: 1_000 }).trimEnd().split("\n");
  assert.equal(lines.length, 10);
  assert.equal(lines[0], "digested  100 of 1000  10 %");
  assert.equal(lines[9], "digested 1000 of 1000 100 %");
});

Deno.test("few documents have a line each", () => {
  const text = written(false, { total: 3 });
  assert.equal(text, "digested 1 of 3  33 %\ndigested 2 of 3  66 %\ndigested 3 of 3 100 %\n");
});

Deno.test("on a terminal a bar is drawn over itself, at most ten times a second, and the last always", () => {
  const text = written(true, { total: 500, stepMs: 1 });
  const drawn = text.split("\r").slice(1);
  assert.deepEqual(drawn.map((bar) => bar.length - bar.trimEnd().length), [0, 0, 0, 0, 0, 1]);
  assert.equal(new Set(drawn.map((bar) => bar.trimEnd().length)).size, 1);
  assert.match(drawn[5], /^\[#{40}\] 500 of 500 100 %\n$/);
});

Deno.test("a bar that does not reach its end still ends its line", () => {
  assert.match(written(true, { total: 10, steps: 3 }), /\n$/);
  assert.equal(written(true, { total: 10, steps: 0 }), "");
});

Deno.test("barText() shows the share that is done", () => {
  assert.equal(barText(1, 4), `[${"#".repeat(10)}${"-".repeat(30)}] 1 of 4  25 %`);
});

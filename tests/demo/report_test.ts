import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { lookUpText, reportText, slowestOf } from "../../demo/report.ts";
import { aFailedTask, aTask } from "./task.ts";

const totals = {
  files: 3,
  bytes: 1_234_567,
  lines: 20,
  words: 400,
  top: [{ word: "the", count: 60 }, { word: "größe", count: 7 }],
};
const slowest = aTask({ input: { path: "books/long.txt" } });

Deno.test("reportText() is a table with aligned columns", () => {
  const text = reportText({ totals, failed: [], slowest, wallMs: 1_500 });
  assert.equal(
    text,
    [
      "files                     3",
      "failed                    0",
      "bytes             1,234,567",
      "lines                    20",
      "words                   400",
      "frequent words           60  the",
      "                          7  größe",
      "slowest task          10 ms  books/long.txt",
      "wall time            1.50 s  from the first request to the last completion",
      "tasks per second          2",
    ].join("\n"),
  );
});

Deno.test("reportText() counts failed files as files, and says why they failed", () => {
  const failed = [aFailedTask("gone.txt", "there is no such file")];
  const text = reportText({ totals, failed, slowest: null, wallMs: 1_000 });
  assert.match(text, /^files +4$/m);
  assert.match(text, /^failed +1$/m);
  assert.match(text, /^tasks per second +4$/m);
  assert.match(text, /\n\nNot digested:\n {2}gone\.txt: there is no such file$/);
  assert.doesNotMatch(text, /slowest/);
});

Deno.test("reportText() lists 20 failures and counts the rest", () => {
  const failed = Array.from({ length: 1_050 }, (_, i) => aFailedTask(`${i}.txt`, "no"));
  const text = reportText({ totals, failed, slowest, wallMs: 1_000 });
  assert.match(text, / {2}19\.txt: no\n {2}and 1,030 more$/);
});

Deno.test("reportText() shows no control characters of a file's name", () => {
  const failed = [aFailedTask("a\x1b[2J\n.txt", "no")];
  assert.match(reportText({ totals, failed, slowest, wallMs: 1_000 }), / {2}a\?\[2J\?\.txt: no$/);
});

Deno.test("slowestOf() is the task that ran longest, not the one that waited longest", () => {
  const short = aTask({ startedAt: "2026-01-01T00:01:00.000Z", finishedAt: "2026-01-01T00:01:00.001Z" });
  const neverRan = aTask({ startedAt: null });
  assert.equal(slowestOf([short, slowest, neverRan]), slowest);
  assert.equal(slowestOf([neverRan]), null);
});

Deno.test("slowestOf() finds a task even if all took less than a millisecond", () => {
  const quick = aTask({ finishedAt: "2026-01-01T00:00:00.000Z" });
  assert.equal(slowestOf([quick]), quick);
});

Deno.test("lookUpText() gives commands that the system's usual shell takes", () => {
  const posix = lookUpText("17", "./data/demo.kv", "linux", "2.9.6");
  assert.match(posix, /^ {2}KV_PATH=\.\/data\/demo\.kv DEMO_TASKS=true npx -y deno@2\.9\.6 task start$/m);
  assert.match(posix, /^ {2}curl http:\/\/127\.0\.0\.1:8000\/v1\/tasks\/17$/m);
  const windows = lookUpText("17", "./data/demo.kv", "windows", "2.9.6");
  assert.match(
    windows,
    /^ {2}\$env:KV_PATH='\.\/data\/demo\.kv'; \$env:DEMO_TASKS='true'; npx -y deno@2\.9\.6 task start$/m,
  );
  assert.match(windows, /^ {2}curl\.exe http/m);
});

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Column, fieldsOf, tableOf } from "../../cli/output/table.ts";
import { cut, visible, visibleJson, widthOf } from "../../cli/output/terminal_text.ts";
import { ago, span } from "../../cli/output/times.ts";

Deno.test("what is hidden in a name is seen, and moves no cursor", () => {
  const name = "a\x1b[2J\u202eb\u200e\r\n\x9bc\ud800";
  assert.equal(visible(name), "a\\u{1b}[2J\\u{202e}b\\u{200e}\\r\\n\\u{9b}c\\u{d800}");
  assert.equal(visible("naïve 日本 👩‍👩‍👧"), "naïve 日本 👩‍👩‍👧");
  const json = visibleJson(JSON.stringify({ [name]: [name] }, null, 2));
  assert.doesNotMatch(json, /(?!\n)[\p{Cc}\p{Cf}]/u);
  assert.deepEqual(JSON.parse(json), { [name]: [name] });
});

Deno.test("a table is no wider than its terminal, and whole without one", () => {
  const columns: Column<string[]>[] = [
    { title: "ID", of: ([id]) => id },
    { title: "NONE", of: () => null },
    { title: "WHAT", of: ([, what]) => what, shrinks: true },
    { title: "WHY", of: ([, , why]) => why, shrinks: true },
  ];
  const rows = [["1", "日本語の長い長い長い名前", "x".repeat(60)], ["22", "short", ""]];
  for (const width of [10, 20, 40, 60, 80]) {
    const lines = tableOf(columns, rows, width).trimEnd().split("\n");
    assert.equal(lines.length, 3);
    for (const line of lines) assert.ok(widthOf(line) <= width, `${width}: ${widthOf(line)} ${line}`);
  }
  const whole = tableOf(columns, rows, null);
  assert.ok(whole.includes("x".repeat(60)) && !whole.includes("NONE"));
  assert.equal(cut("日本語", 4), "日…");
  assert.equal(fieldsOf([["id", 1], ["none", null], ["longer", "a\nb"]]), "id      1\nlonger  a\\nb\n");
});

Deno.test("times are told as people tell them", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  assert.deepEqual([0, 999, 1_000, 61_000, 7_200_000, 172_800_000].map(span), [
    "0 ms",
    "999 ms",
    "1 s",
    "1 min",
    "2 h",
    "2 d",
  ]);
  assert.equal(ago("2026-11-29T11:58:00Z", now), "2 min ago");
  assert.equal(ago("2026-11-29T12:00:05Z", now), "in 5 s");
  assert.equal(ago(null, now), "");
});

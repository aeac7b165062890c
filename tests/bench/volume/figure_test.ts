import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { lineOf } from "../../../bench/volume/figure.ts";

Deno.test("a figure is told with its bound, and whether it keeps it", () => {
  const memory = { what: "Memory", value: 251, unit: "MiB", most: 250 };
  assert.match(lineOf(memory), /^Memory +251 MiB +≤ 250 +NO$/);
  assert.match(lineOf({ ...memory, value: 250 }), /≤ 250 +yes$/);
  const rate = { what: "Rate", value: 90, unit: "%", least: 90, notes: "at night" };
  assert.match(lineOf(rate), /^Rate +90 % +≥ 90 +yes {2}at night$/);
  assert.match(lineOf({ ...rate, value: 9.123 }), / 9\.12 % +≥ 90 +NO /);
  assert.match(lineOf({ what: "Alone", value: 8_000, unit: "/s" }), /^Alone +8000 \/s$/);
});

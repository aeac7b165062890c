import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Throughput } from "../../../bench/peers/load.ts";
import {
  inProcessTableOf,
  type Measured,
  median,
  ratio,
  roundsOf,
  tableOf,
  warningOf,
} from "../../../bench/peers/table.ts";

function round(perSecond: number, about: Partial<Throughput> = {}): Throughput {
  return { tasks: perSecond * 10, seconds: 10, cpuMicrosPerTask: 100, memoryMiB: 200, ...about };
}

function measured(name: string, about: Partial<Measured> = {}): Measured {
  const system = { name, version: `${name} 1`, tuning: "", keeps: "for ever", accepted: "on disk" };
  return { system, rounds: [], inProcess: [], ...about };
}

const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());

Deno.test("the median of an even number of rounds lies between the two in the middle", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([100, 9, 10]), 10);
});

Deno.test("the ratio compares each round with the one beside it: a machine that slows down does not show", () => {
  const ours = [round(9_000), round(4_500), round(900)];
  const theirs = [round(6_000), round(3_000), round(600)];
  assert.equal(ratio(ours, theirs), 1.5);
  // One round that went wrong does not decide.
  assert.equal(ratio([...ours.slice(1), round(10)], theirs.slice(1).concat(round(5_000))), 1.5);
});

Deno.test("a system that takes part in the first round is compared with the first round of Errand", () => {
  assert.equal(ratio([round(9_000), round(1), round(1)], [round(300)]), 30);
  assert.ok(Number.isNaN(ratio([], [round(300)])));
});

Deno.test("the table is Markdown, has a row for each system, and no ratio of Errand to itself", () => {
  const errand = measured("errand", {
    rounds: [round(9_000), round(10_000), round(11_000, { cpuMicrosPerTask: 110.4, memoryMiB: 210 })],
    latency: { p50Ms: 2.04, p99Ms: 8, maxMs: 99 },
  });
  const bullmq = measured("bullmq", { rounds: [round(6_000), round(5_000), round(8_000)] });
  const [head, line, first, second, ...others] = tableOf([errand, bullmq]).split("\n");
  assert.match(line, /^(\| -+ )+\|$/);
  assert.deepEqual(others, []);
  assert.deepEqual(new Set([head, line, first, second].map((text) => text.length)).size, 1);
  assert.deepEqual(cells(first), [
    ...["errand", "10,000", "", "100 µs", "200 MiB", "2.0 ms", "8.0 ms", "for ever", "on disk"],
  ]);
  assert.deepEqual(
    cells(second).slice(0, 7),
    ["bullmq", "5,999", "1.50", "100 µs", "200 MiB", "", ""]
      .with(1, "6,000"),
  );
});

Deno.test("without Errand there are figures and no ratios", () => {
  const [, , row] = tableOf([measured("celery", { rounds: [round(900)] })]).split("\n");
  assert.deepEqual(cells(row).slice(0, 3), ["celery", "900", ""]);
});

Deno.test("the table of those in process has only those, and each round is told by itself", () => {
  const errand = measured("errand", { rounds: [round(1)], inProcess: [round(12_000), round(12_100)] });
  const bullmq = measured("bullmq", { inProcess: [round(10_000), round(11_000)] });
  const rows = inProcessTableOf([errand, bullmq, measured("celery")]).split("\n").slice(2);
  assert.deepEqual(rows.map((row) => cells(row).slice(0, 3)), [
    ["errand", "12,050", ""],
    ["bullmq", "10,500", "1.15"],
  ]);
  assert.deepEqual(roundsOf([errand, bullmq]), [
    "errand in process: 12,000, 12,100",
    "bullmq in process: 10,000, 11,000",
  ]);
});

Deno.test("figures of a machine that others use come with a warning", () => {
  assert.equal(warningOf(0.4, 2), null);
  assert.match(warningOf(6, 2)!, /^the machine was busy before the run \(load 6\.0 on 2 cores\)/);
});

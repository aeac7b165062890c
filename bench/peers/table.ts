// Medians, ratios, and the tables that go into docs/benchmarks.md.

import type { Percentiles } from "../measure.ts";
import type { Throughput } from "./load.ts";
import type { System } from "./system.ts";

export type Described = Pick<System, "name" | "version" | "tuning" | "keeps" | "accepted">;

export interface Measured {
  system: Described;
  /** By round; those that a system takes part in are the first. */
  rounds: Throughput[];
  inProcess: Throughput[];
  latency?: Percentiles;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rate = ({ tasks, seconds }: Throughput): number => tasks / seconds;

/** How many times as fast: the median over the rounds of both, each compared with its neighbour in time. */
export function ratio(ours: Throughput[], theirs: Throughput[]): number {
  const both = Math.min(ours.length, theirs.length);
  if (both === 0) return NaN;
  return median(Array.from({ length: both }, (_, round) => rate(ours[round]) / rate(theirs[round])));
}

function markdown(head: string[], rows: string[][]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at].length)));
  const line = (cells: string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const times = (value: number): string => Number.isNaN(value) ? "" : value.toFixed(2);

function figures(rounds: Throughput[], ours: Throughput[]): string[] {
  return [
    whole(median(rounds.map(rate))),
    rounds === ours ? "" : times(ratio(ours, rounds)),
    `${whole(median(rounds.map(({ cpuMicrosPerTask }) => cpuMicrosPerTask)))} µs`,
    `${whole(median(rounds.map(({ memoryMiB }) => memoryMiB)))} MiB`,
  ];
}

/** Over HTTP. */
export function tableOf(all: Measured[]): string {
  const ours = all.find(({ system }) => system.name === "errand")?.rounds ?? [];
  const head = [
    "Over HTTP",
    "Tasks/s",
    "Errand ÷ it",
    "CPU a task",
    "Memory",
    "p50",
    "p99",
    "Result kept",
    "A 202 means",
  ];
  return markdown(
    head,
    all.map(({ system, rounds, latency }) => [
      system.name,
      ...figures(rounds, ours),
      ...[latency?.p50Ms, latency?.p99Ms].map((ms) => ms === undefined ? "" : `${ms.toFixed(1)} ms`),
      system.keeps,
      system.accepted,
    ]),
  );
}

/** Without HTTP: those that were compared so. */
export function inProcessTableOf(all: Measured[]): string {
  const some = all.filter(({ inProcess }) => inProcess.length > 0);
  const ours = some.find(({ system }) => system.name === "errand")?.inProcess ?? [];
  return markdown(
    ["In process", "Tasks/s", "Errand ÷ it", "CPU a task", "Memory"],
    some.map(({ system, inProcess }) => [system.name, ...figures(inProcess, ours)]),
  );
}

/** Each round by itself: how steady the machine was. */
export function roundsOf(all: Measured[]): string[] {
  const line = (name: string, rounds: Throughput[]) =>
    rounds.length < 2 ? [] : [`${name}: ${rounds.map((round) => whole(rate(round))).join(", ")}`];
  return all.flatMap(({ system, rounds, inProcess }) => [
    ...line(`${system.name} over HTTP`, rounds),
    ...line(`${system.name} in process`, inProcess),
  ]);
}

/**
 * Said where others use the machine: the kernel shares it out by threads that want to run, so that systems of
 * several processes get more of it than Errand.
 *
 * @param load the average of the minute before the run
 */
export function warningOf(load: number, cores: number): string | null {
  if (load < cores / 4) return null;
  return `the machine was busy before the run (load ${load.toFixed(1)} on ${cores} cores): ` +
    "these figures compare CPU a task, and not tasks/s";
}

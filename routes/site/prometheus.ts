// The text that Prometheus reads (exposition format 0.0.4).

import { boundOf, BUCKETS, type Histogram, PER_DOUBLING } from "../../runtime/core/histogram.ts";
import type { Family } from "../../runtime/mod.ts";

/** A bound four times the one before: 1 ms, 4 ms, … 18 hours. Each is one of the histogram's own. */
const STEP = 2 * PER_DOUBLING;

export function expositionOf(families: Family[]): string {
  return families.map(textOf).join("");
}

function textOf({ name, type, help, samples }: Family): string {
  const lines = samples.flatMap(({ labels, value }) =>
    typeof value === "number" ? [`${name}${labelsOf(labels)} ${value}`] : histogramOf(name, labels, value)
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function histogramOf(
  name: string,
  labels: Record<string, string>,
  { counts, count, sumMs }: Histogram,
): string[] {
  const lines: string[] = [];
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
    below += counts[bucket];
    if (bucket % STEP !== 0) continue;
    lines.push(`${name}_bucket${labelsOf({ ...labels, le: String(boundOf(bucket) / 1_000) })} ${below}`);
  }
  lines.push(`${name}_bucket${labelsOf({ ...labels, le: "+Inf" })} ${count}`);
  lines.push(`${name}_sum${labelsOf(labels)} ${sumMs / 1_000}`);
  lines.push(`${name}_count${labelsOf(labels)} ${count}`);
  return lines;
}

function labelsOf(labels: Record<string, string>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

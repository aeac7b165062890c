// The text that Prometheus reads (exposition format 0.0.4).

import { type Histogram, WIDE_BOUNDS } from "../../runtime/core/histogram.ts";
import { type Family, KINDS } from "../../runtime/mod.ts";

export function expositionOf(families: Family[]): string {
  return families.map(textOf).join("");
}

function textOf({ name, samples }: Family): string {
  const { type, help } = KINDS[name];
  const lines = samples.flatMap(({ labels, value }) =>
    typeof value === "number" ? [`${name}${labelsOf(labels)} ${value}`] : histogramOf(name, labels, value)
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function histogramOf(name: string, labels: Record<string, string>, histogram: Histogram): string[] {
  const { count, sumMs } = histogram;
  const bucket = (le: string, value: number) => `${name}_bucket${labelsOf({ ...labels, le })} ${value}`;
  return [
    ...histogram.within().map((value, i) => bucket(String(WIDE_BOUNDS[i] / 1_000), value)),
    bucket("+Inf", count),
    `${name}_sum${labelsOf(labels)} ${sumMs / 1_000}`,
    `${name}_count${labelsOf(labels)} ${count}`,
  ];
}

function labelsOf(labels: Record<string, string>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

// A run of chaos in a process of its own, for tests: it must end, and break no rule.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Report, tableOf } from "./report.ts";

const RUN = fileURLToPath(new URL("./run.ts", import.meta.url));
const AT_MOST_MS = 570_000;

/** @param args those of run.ts; `CHAOS_SEED` in the environment repeats a run. */
export async function runChaos(...args: string[]): Promise<Report> {
  const seed = String(Deno.env.get("CHAOS_SEED") ?? Date.now() % 1_000_000);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", RUN, "--seed", seed, "--json", ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const late = setTimeout(() => child.kill("SIGTERM"), AT_MOST_MS);
  const { stdout, stderr } = await child.output();
  clearTimeout(late);
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.startsWith("{"), `seed ${seed}: ${new TextDecoder().decode(stderr)}`);
  const report: Report = JSON.parse(text);
  const broken = Object.entries(report.violations).filter(([, cases]) => cases.length > 0);
  assert.deepEqual(broken, [], tableOf(report));
  return report;
}

// deno task bench: throughput and latency beside those of raw Deno KV in the same run. Prints a table and
// writes JSON. Each case has a database file of its own. Figures of different runs or machines don't
// compare; ratios do.

// deno-lint-ignore-file no-console
import { chain, chord, map } from "./composition.ts";
import { inProcess, latencyInProcess, memory } from "./in_process.ts";
import { besideFullKey, limited, releaseToStart } from "./limits.ts";
import { type Measurement, perSecond } from "./measure.ts";
import { latencyOverHttp, overHttp } from "./over_http.ts";
import { schedulesAtOnce } from "./schedules.ts";
import { nativeQueue, rawSets } from "./raw_kv.ts";
import { uniqueSubmits } from "./unique.ts";
import { commandLine } from "../tools/command_line.ts";

const RESULTS = "bench/results/latest.json";

const { values } = commandLine({
  options: { quick: { type: "boolean" } },
  help: "deno task bench [--quick]\n\n  --quick  a tenth of the work: a look, not a figure",
});
const size = values.quick ? 0.1 : 1;

const cases: (() => Promise<Measurement | Measurement[]>)[] = [
  () => rawSets(10_000 * size, 1),
  () => rawSets(20_000 * size, 64),
  () => nativeQueue(10_000 * size, 64),
  () => inProcess(50_000 * size, 128),
  () => overHttp(50_000 * size, 64),
  () => latencyInProcess(100, 10 * size),
  () => latencyOverHttp(100, 10 * size),
  () => chain(1_000 * size),
  () => chord(10_000 * size),
  () => map(100_000 * size),
  () => limited(20_000 * size, 128),
  () => besideFullKey(100_000 * size, 20_000 * size, 128),
  () => releaseToStart(1_000 * size),
  () => schedulesAtOnce(10_000 * size),
  () => uniqueSubmits(20_000 * size, 128),
  () => memory(200_000 * size, 256),
];

const results: Measurement[] = [];
for (const [n, measure] of cases.entries()) {
  if (Deno.stderr.isTerminal()) console.error(`${n + 1} of ${cases.length} …`);
  results.push(...[await measure()].flat());
}

const native = perSecond(results.find(({ name }) => name.startsWith("native"))!);
console.log(`${"".padEnd(58)}${"per second".padStart(12)}${"× native queue".padStart(16)}`);
for (const result of results) {
  const rate = perSecond(result);
  const { latencies, notes } = result;
  const timed = latencies &&
    `  p50 ${latencies.p50Ms.toFixed(1)} ms, p99 ${latencies.p99Ms.toFixed(1)} ms, max ${
      latencies.maxMs.toFixed(1)
    } ms`;
  const figures = timed
    ? ""
    : Math.round(rate).toString().padStart(12) + (rate / native).toFixed(1).padStart(16);
  console.log(`${result.name.padEnd(58)}${figures}${timed ?? ""}${notes ? `  ${notes}` : ""}`);
}

await Deno.mkdir("bench/results", { recursive: true });
const report = { at: new Date(), deno: Deno.version.deno, cores: navigator.hardwareConcurrency, results };
await Deno.writeTextFile(RESULTS, JSON.stringify(report, null, 2) + "\n");
console.log(`\nwritten to ${RESULTS}`);

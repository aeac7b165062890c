import { nativeQueue, rawSets } from "./raw_kv.ts";
import { inProcess, latencyInProcess, memory } from "./in_process.ts";
import { perSecond } from "./measure.ts";
const show = (m: any) =>
  console.log(m.name.padEnd(50), perSecond(m).toFixed(0).padStart(8), m.latencies ?? "", m.notes ?? "");
const only = Deno.args[0];
if (!only || only === "raw") {
  show(await rawSets(5000, 1));
  show(await rawSets(10000, 64));
  show(await nativeQueue(5000, 64));
}
if (!only || only === "in") {
  show(await inProcess(20000, 256));
  show(await inProcess(20000, 256));
}
if (!only || only === "lat") show(await latencyInProcess(100, 5));
if (only === "mem") show(await memory(200000, 256));

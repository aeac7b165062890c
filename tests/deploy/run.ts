// `deno task deploy:trial`: the app on the platform of platform.ts, with its story on standard error.

// deno-lint-ignore-file no-console -- this is a command

import { parseArgs } from "node:util";
import { trial } from "./trial.ts";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "10000" },
    long: { type: "string", default: "40" },
    "long-seconds": { type: "string", default: "60" },
    bursts: { type: "string", default: "5" },
    "pause-seconds": { type: "string", default: "15" },
    "minute-seconds": { type: "string", default: "20" },
    "evict-seconds": { type: "string", default: "40" },
    instances: { type: "string", default: "3" },
    concurrency: { type: "string", default: "50" },
    "within-seconds": { type: "string", default: "600" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    "deno task deploy:trial [--tasks 10000] [--long 40] [--long-seconds 60] [--bursts 5] [--pause-seconds 15]\n" +
      "  [--minute-seconds 20] [--evict-seconds 40] [--instances 3] [--concurrency 50] [--within-seconds 600]\n\n" +
      "Needs a denokv server's program: deno task denokv installs it.",
  );
  Deno.exit(0);
}
const since = performance.now();
const seconds = (text: string) => 1_000 * Number(text);
const report = await trial({
  tasks: Number(values.tasks),
  long: Number(values.long),
  longMs: seconds(values["long-seconds"]),
  bursts: Number(values.bursts),
  pauseMs: seconds(values["pause-seconds"]),
  idleMs: [5_000, 8_000],
  minuteMs: seconds(values["minute-seconds"]),
  mostInstances: Number(values.instances),
  fullAt: 2,
  concurrency: Number(values.concurrency),
  evictEveryMs: seconds(values["evict-seconds"]),
  withinMs: seconds(values["within-seconds"]),
  note: (what) => console.error(`${((performance.now() - since) / 1_000).toFixed(1).padStart(7)} ${what}`),
});
console.log(JSON.stringify(report, null, 2));
const { missing, unended, acknowledged, ended, idleWrites, idleRequests } = report;
const isGood = missing + unended + idleWrites + idleRequests === 0 && ended.COMPLETED === acknowledged;
Deno.exit(isGood ? 0 : 1);

// `deno task deploy:trial`: the app on the platform of platform.ts, with its story on standard error.

// deno-lint-ignore-file no-console -- this is a command

import { commandLine } from "../../tools/command_line.ts";
import { trial } from "./trial.ts";

const DEFAULTS = {
  tasks: "10000",
  long: "40",
  "long-seconds": "60",
  bursts: "5",
  "pause-seconds": "15",
  "minute-seconds": "20",
  "evict-seconds": "90",
  instances: "3",
  concurrency: "50",
  "within-seconds": "600",
};
const FLAGS = {
  "refuses-itself": { type: "boolean" as const },
  "cron-keeps-alive": { type: "boolean" as const },
};
const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
const given = commandLine({
  options: { ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])), ...FLAGS },
  help: `deno task deploy:trial ${names.map((name) => `[--${name} ${DEFAULTS[name]}]`).join(" ")}
  [--refuses-itself]    the platform answers 508 to each request of the app to itself
  [--cron-keeps-alive]  an instance lives for as long as the handler of a cron runs in it

Needs a denokv server's program: deno task denokv installs it.`,
});
const values = { ...DEFAULTS, ...given.values };
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
  refusesItself: values["refuses-itself"],
  cronKeepsAlive: values["cron-keeps-alive"],
  note: (what) => console.error(`${((performance.now() - since) / 1_000).toFixed(1).padStart(7)} ${what}`),
});
console.log(JSON.stringify(report, null, 2));
const { missing, unended, acknowledged, ended, wokenFor, cronsUntilRest } = report;
const isAtRest = wokenFor.length === 0 && cronsUntilRest < Infinity;
const isGood = missing + unended === 0 && ended.COMPLETED === acknowledged && isAtRest;
Deno.exit(isGood ? 0 : 1);

// deno run -A tests/chaos/run.ts --help

// deno-lint-ignore-file no-console -- it speaks to whoever runs it

import { chaos } from "./chaos.ts";
import { ENDLESS_MS } from "./collect.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { isClean, tableOf } from "./report.ts";
import { endOnUsageError } from "../../tools/command_line.ts";

/** What comes after the harm, at its longest: all tasks end, and each is read and compared. */
const REST_MS = ENDLESS_MS + 600_000;

let options: Options | null;
try {
  options = readOptions(Deno.args);
} catch (error) {
  endOnUsageError(error);
}
if (options === null) {
  console.log(HELP);
} else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => Deno.exit(3));
  // It ends, even if something hangs.
  const late = setTimeout(() => {
    console.error("chaos did not end in time");
    Deno.exit(3);
  }, options.seconds * 1_000 + REST_MS);
  const report = await chaos(options, (line) => options.json || console.error(line));
  clearTimeout(late);
  console.log(options.json ? JSON.stringify(report) : `${tableOf(report)}\n${JSON.stringify(report)}`);
  Deno.exit(isClean(report) ? 0 : 1);
}

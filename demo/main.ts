// deno-lint-ignore-file no-console
// Documents → digest each, over HTTP, and tally: a chord → a table. It starts the service that `deno task
// start` runs, uses it as any client does, and leaves its database behind. Results go to standard output, all
// else to standard error.

import { fileURLToPath } from "node:url";
import { Client } from "../client/mod.ts";
import { DATABASE, removeDatabase } from "./database.ts";
import { type Documents, findDocuments, UsageError } from "./documents.ts";
import { digestAll, type Errand } from "./map_reduce.ts";
import { Progress } from "./progress.ts";
import { lookUpText, reportText, slowestOf } from "./report.ts";
import { Service } from "./service.ts";
import { commandLine } from "../tools/command_line.ts";

const HELP = `Digest documents through the service and print what is in them.

  deno task demo                          every tracked text file of this repository
  deno task demo -- FILE…                 these files
  deno task demo -- "../books/*.txt" DIR  patterns, and directories with all text files in them

The database stays in ${DATABASE}, for a look at the tasks afterwards; the next demo begins with a new one.
Exit code: 0, 1 if no document could be digested, 2 if there is nothing to digest, 130 after Ctrl-C.`;

const EXIT_CODE_OF_INTERRUPTED = 130;

if (import.meta.main) {
  const { operands } = commandLine({ options: {}, takesOperands: true, help: HELP });
  Deno.exit(await guarded(operands));
}

async function guarded(args: string[]): Promise<number> {
  const interrupt = new AbortController();
  Deno.addSignalListener("SIGINT", () => interrupt.abort());
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => interrupt.abort());
  try {
    avoidProxy();
    return await demo(args, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) {
      console.error("stopped");
      return EXIT_CODE_OF_INTERRUPTED;
    }
    console.error(`the demo failed: ${error instanceof Error ? error.message : error}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** `fetch` would ask the proxy that a machine may have even for this machine's own address. */
function avoidProxy(): void {
  Deno.env.set(
    "NO_PROXY",
    [Deno.env.get("NO_PROXY") ?? "", "127.0.0.1"].filter((host) => host !== "").join(","),
  );
}

async function demo(args: string[], signal: AbortSignal): Promise<number> {
  const documents = await findDocuments(args, {
    repository: fileURLToPath(new URL("..", import.meta.url)),
    // `deno task` runs scripts in the repository; this is where the command was typed.
    base: Deno.env.get("INIT_CWD") ?? Deno.cwd(),
  });
  if (await removeDatabase()) console.error(`removed the database of an earlier demo, ${DATABASE}`);
  console.error(`starting the service; it may read what is below ${documents.root}`);
  const service = new Service({
    HOST: "127.0.0.1",
    PORT: "0",
    ROLE: "all",
    KV_PATH: DATABASE,
    DEMO_TASKS: "true",
    DIGEST_ROOT: documents.root,
    // The input of the one `tally` names every digest.
    MAX_INPUT_BYTES: String(2 ** 24),
  });
  const stop = () => void service.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    const errand: Errand = new Client({ url: await service.listening() });
    return await digestAndReport(errand, documents, signal);
  } finally {
    await service.stop();
  }
}

async function digestAndReport(errand: Errand, { paths }: Documents, signal: AbortSignal): Promise<number> {
  const progress = new Progress(paths.length, {
    isTerminal: Deno.stderr.isTerminal(),
    write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
    now: () => performance.now(),
  });
  const { tasks, totals, wallMs } = await digestAll(errand, paths, progress, signal);
  const failed = tasks.filter(({ state }) => state.type !== "COMPLETED");
  console.log(reportText({ totals, failed, slowest: slowestOf(tasks), wallMs }));
  console.log(lookUpText((slowestOf(tasks) ?? tasks[0]).id, DATABASE, Deno.build.os, Deno.version.deno));
  return totals.files > 0 ? 0 : 1;
}

// The commands, as they stand in the help. What they do is loaded by the one that is run.

import { Command } from "commander";
import { bulkCommands } from "./declare/bulk.ts";
import { groupCommands } from "./declare/groups.ts";
import { keyCommands } from "./declare/keys.ts";
import { limitCommands } from "./declare/limits.ts";
import { ownCommands, serviceCommands } from "./declare/own.ts";
import { pauseCommands, queueCommands } from "./declare/queues.ts";
import { scheduleCommands } from "./declare/schedules.ts";
import { taskCommands } from "./declare/tasks.ts";
import { workerCommands } from "./declare/workers.ts";
import type { Act, Declaring, Running } from "./declaring.ts";
import type { Io } from "./io.ts";
import { visible } from "./output/terminal_text.ts";
import { type Globals, Session } from "./session.ts";
import { duration, oneOf } from "./values.ts";
import { RELEASE } from "../runtime/core/release.ts";

const EXIT_HELP = `
Exit codes: 0 done, or the task COMPLETED · 1 fault · 2 usage · 3 FAILED · 4 CANCELLED · 5 CRASHED
  6 not ended · 7 not found · 8 unreachable · 9 not allowed · 10 refused · 11 conflict

Where the service is: --url, --profile, ERRAND_URL (with ERRAND_KEY), ERRAND_PROFILE, the default profile,
http://127.0.0.1:8000. Without a command it is \`errand serve\`.`;

export function programOf(io: Io, running: Running): Command {
  const program = new Command("errand").description("Durable tasks: submit, watch, operate.");
  const width = () => io.columns() ?? 100;
  program.exitOverride().helpCommand(false).configureOutput({
    writeOut: (text) => io.out(text),
    writeErr: (text) => io.err(text),
    getOutHelpWidth: width,
    getErrHelpWidth: width,
    getOutHasColors: () => io.colors,
    getErrHasColors: () => false,
    outputError: (text, write) => {
      const lines = text.trimEnd().split("\n").map((line) => `${visible(line)}\n`);
      write(lines.join("").replace(/^error: /, "errand: "));
    },
  });
  program.configureHelp({ showGlobalOptions: true });
  program.version(RELEASE, "-V, --version", "the release of this program");
  program.option("-o, --output <form>", "table or json", oneOf(["table", "json"]), "table")
    .option("--url <url>", "where the service is")
    .option("--profile <name>", "a service by its name (errand profile)")
    .option("--try-for <time>", "how long to try a service that does not answer: 30s, 5m", duration)
    .addHelpText("after", EXIT_HELP);
  const act: Act = (run) => async (...args) => {
    const command = args.at(-1) as Command;
    const session = running.session = new Session(io, command.optsWithGlobals<Globals>());
    // deno-lint-ignore no-explicit-any -- Commander gives what the command declares
    running.code = await run(session, ...args.slice(0, -1) as any);
  };
  const declaring: Declaring = { program, act, io };
  program.commandsGroup("Tasks:");
  taskCommands(declaring);
  groupCommands(declaring);
  program.commandsGroup("Operation:");
  queueCommands(declaring);
  pauseCommands(declaring);
  limitCommands(declaring);
  scheduleCommands(declaring);
  workerCommands(declaring);
  bulkCommands(declaring);
  keyCommands(declaring);
  program.commandsGroup("Service:");
  serviceCommands(declaring);
  program.commandsGroup("This program:");
  ownCommands(declaring);
  nameHelp(program, "errand");
  return program;
}

/** What follows an error names the help of the command that was meant. */
function nameHelp(command: Command, path: string): void {
  command.showHelpAfterError(`${path} --help says more`);
  for (const each of command.commands) nameHelp(each, `${path} ${each.name()}`);
}

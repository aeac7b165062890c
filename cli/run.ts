// From the arguments to the exit code.

import { CommanderError } from "commander";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import type { Io } from "./io.ts";
import type { Running } from "./declaring.ts";
import { programOf } from "./program.ts";

/** Runs one command. It writes what went wrong itself. */
export async function run(given: readonly string[], io: Io): Promise<ExitCode> {
  const args = plain(given);
  const running: Running = { session: null, code: EXIT.done };
  try {
    // `errand` alone has always been the service.
    if (args.length === 0 || args[0] === "serve") {
      const { serveCommand } = await import("./commands/serve.ts");
      return await serveCommand(args.slice(1), io);
    }
    const program = programOf(io, running);
    if (args[0] === "__complete") {
      const { candidates } = await import("./completion.ts");
      io.out(candidates(program, args.slice(1)).map((word) => `${word}\n`).join(""));
      return EXIT.done;
    }
    await program.parseAsync([...args], { from: "user" });
    return running.code;
  } catch (error) {
    // Commander has said what it is.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.brokenPipe;
    const { told } = await import("./failure.ts");
    const { code, lines } = told(error, running.session?.target ?? null);
    io.err(lines.map((line, i) => `${i === 0 ? "errand: " : ""}${line}\n`).join(""));
    return code;
  }
}

/** `deno task errand -- ls` hands the dashes on; `errand help ls` is `errand ls --help`. */
function plain(given: readonly string[]): readonly string[] {
  const args = given[0] === "--" ? given.slice(1) : given;
  return args[0] === "help" ? [...args.slice(1), "--help"] : args;
}

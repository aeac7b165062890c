// `errand serve`: the service itself.

import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";

/** Does not return while it serves: a signal ends the process. */
export async function serveCommand(args: readonly string[], io: Io): Promise<ExitCode> {
  const { readArguments, UsageError } = await import("../../tools/command_line.ts");
  const { serviceHelp } = await import("../../config.ts");
  try {
    const { values } = readArguments([...args], { options: {} });
    if (values.help) {
      io.out(`${serviceHelp()}\n`);
      return EXIT.done;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.err(
      `errand: ${error.message}\nsettings are variables, as PORT=8080; errand serve --help lists them\n`,
    );
    return EXIT.usage;
  }
  await import("../../main.ts");
  return await new Promise<never>(() => {});
}

import { EXIT, type ExitCode } from "./exit_codes.ts";

/** What is wrong with a command, in words for whoever typed it. */
export class CommandError extends Error {
  override name = "CommandError";

  constructor(message: string, readonly code: ExitCode = EXIT.usage, options?: ErrorOptions) {
    super(message, options);
  }
}

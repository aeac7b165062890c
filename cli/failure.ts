// What went wrong, in lines for whoever typed the command, and the exit code of it.

import {
  CancelledError,
  ConflictError,
  ConnectionError,
  CrashedError,
  ErrandError,
  ForgottenError,
  NotFoundError,
  ProblemError,
  TaskError,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownDefinitionError,
} from "../client/mod.ts";
import { CommandError } from "./command_error.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { visible } from "./output/terminal_text.ts";
import type { Target } from "./profiles.ts";

export interface Told {
  code: ExitCode;
  /** Without line feeds at their ends. */
  lines: string[];
}

/** @param target what was called, if anything was */
export function told(error: unknown, target: Target | null): Told {
  const code = codeOf(error);
  if (error instanceof CommandError) return { code, lines: error.message.split("\n").map(visible) };
  // A fault of this program.
  if (!(error instanceof ErrandError || error instanceof TypeError || error instanceof RangeError)) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    return { code, lines: text.split("\n").map(visible) };
  }
  const lines = [...messageOf(error), ...remedyOf(error, target)];
  return { code, lines: lines.map(visible) };
}

function codeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.code;
  if (error instanceof CrashedError) return EXIT.crashed;
  if (error instanceof TaskError) return EXIT.failed;
  if (error instanceof CancelledError) return EXIT.cancelled;
  if (error instanceof TimeoutError) return EXIT.notEnded;
  if (error instanceof NotFoundError || error instanceof ForgottenError) return EXIT.notFound;
  if (error instanceof ConnectionError || error instanceof UnavailableError) return EXIT.unreachable;
  if (error instanceof UnauthorizedError) return EXIT.notAllowed;
  if (error instanceof ConflictError) return EXIT.conflict;
  if (error instanceof ProblemError && error.status < 500) {
    return error.status === 404 ? EXIT.notFound : EXIT.refused;
  }
  // Of the client's own checks.
  return error instanceof TypeError || error instanceof RangeError ? EXIT.usage : EXIT.fault;
}

function messageOf(error: Error): string[] {
  if (error instanceof CrashedError) return [`the task crashed: ${error.message}`];
  if (error instanceof TaskError) {
    return [`the task failed: ${error.remoteName}: ${error.message}`, ...causesOf(error)];
  }
  if (error instanceof CancelledError) return [error.message, ...causesOf(error)];
  if (!(error instanceof ProblemError)) return [error.message];
  // One fault alone is the whole message.
  const faults = error.errors.length < 2 ? [] : error.errors;
  return [error.message, ...faults.map(({ pointer, message }) => `  ${pointer || "/"}: ${message}`)];
}

function causesOf(error: Error): string[] {
  const lines: string[] = [];
  for (let at = error.cause; at instanceof Error && lines.length < 5; at = at.cause) {
    lines.push(`  because of ${at.name}: ${at.message}`);
  }
  return lines;
}

function remedyOf(error: Error, target: Target | null): string[] {
  const at = target === null ? "" : ` at ${target.url} (${target.from})`;
  if (error instanceof ConnectionError) {
    return [
      `is the service${at} running? \`errand serve\` starts one; --url, --profile or ERRAND_URL name another`,
    ];
  }
  if (error instanceof UnauthorizedError && error.status === 401) {
    const key = target?.key === undefined ? "no key was sent" : "the key that was sent opens nothing";
    return [`${key}${at}: set ERRAND_KEY, or store it with \`errand profile set NAME --url URL --key -\``];
  }
  if (error instanceof UnauthorizedError) {
    return ["`errand key ls`, with a key of the scope admin, shows what each key may do"];
  }
  if (error instanceof UnknownDefinitionError) return ["`errand definitions` lists what can be submitted"];
  if (error instanceof UnexpectedAnswerError) return [`is that${at} a service of Errand?`];
  return [];
}

// JSON that is given as an argument, as `-` for standard input, or as `@file`.

import { CommandError } from "./command_error.ts";
import type { Io } from "./io.ts";

/** As the help has it. */
export const JSON_RULE = "JSON, - for standard input, or @file";

/**
 * The value; undefined if nothing was given.
 *
 * @param what names it in errors: `INPUT`
 * @throws {CommandError} if it is no JSON, or has a number that would not arrive as it is
 */
export async function jsonArgument(given: string | undefined, what: string, io: Io): Promise<unknown> {
  if (given === undefined) return undefined;
  const { text, from } = await textOf(given, what, io);
  try {
    return JSON.parse(text, keptExactly as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (error instanceof InexactNumberError) throw new CommandError(`${what} ${error.message}`);
    const hint = from === "argument" && /^[\w-]+$/.test(text) ? `; a text has quotes: '"${text}"'` : "";
    const where = from === "argument" ? shown(text) : from;
    throw new CommandError(`${what} must be JSON; ${where} is not (${(error as Error).message})${hint}`);
  }
}

async function textOf(given: string, what: string, io: Io): Promise<{ text: string; from: string }> {
  if (given === "-") return { text: await io.input(), from: "standard input" };
  if (!given.startsWith("@")) return { text: given, from: "argument" };
  const file = given.slice(1);
  try {
    return { text: await Deno.readTextFile(file), from: file };
  } catch (error) {
    throw new CommandError(`${what} must be a file that can be read; ${file}: ${(error as Error).message}`);
  }
}

class InexactNumberError extends Error {}

/** A number is 64 bits wide here and in the service: more digits than that holds would be lost unseen. */
function keptExactly(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  const isLost = !Number.isFinite(value) ||
    (/^-?\d+$/.test(source) && !Number.isSafeInteger(value) && BigInt(source) !== BigInt(value));
  if (!isLost) return value;
  throw new InexactNumberError(
    `has the number ${source}, which would not arrive as it is: write it as a text`,
  );
}

function shown(text: string): string {
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}…` : JSON.stringify(text);
}

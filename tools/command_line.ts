// deno-lint-ignore-file no-console -- commands speak to whoever types them
// The arguments of a command. No argument is ignored: an unknown one ends the command with a list of the
// known ones.

import { parseArgs, type ParseArgsConfig } from "node:util";
import { didYouMean } from "../runtime/core/nearest.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The options of a command: `--name value` or `--flag`. */
type Values<O extends Options> = {
  [Name in keyof O]?: O[Name]["type"] extends "boolean" ? boolean : string;
};

export interface Arguments<O extends Options> {
  values: Values<O>;
  operands: string[];
}

export interface Usage<O extends Options> {
  options: O;
  /** It also takes arguments without a name, such as files. */
  takesOperands?: boolean;
  /** Printed for `--help`. */
  help: string;
}

export class UsageError extends Error {}

const HELP = { help: { type: "boolean", short: "h" } } as const;

/**
 * The arguments of this process. `--help` prints the help and ends it with code 0, a wrong argument says
 * what is wrong and ends it with code 2.
 */
export function commandLine<const O extends Options>(usage: Usage<O>): Arguments<O> {
  try {
    const { values, operands } = readArguments(Deno.args, usage);
    if (!values.help) return { values, operands };
    console.log(usage.help);
    Deno.exit(0);
  } catch (error) {
    endOnUsageError(error);
  }
}

/** A `UsageError` is printed as one line and ends the process with code 2. Any other error is thrown on. */
export function endOnUsageError(error: unknown): never {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n--help says more`);
  Deno.exit(2);
}

/** @throws {UsageError} */
export function readArguments<const O extends Options>(
  args: string[],
  { options, takesOperands = false }: Pick<Usage<O>, "options" | "takesOperands">,
): Arguments<O & typeof HELP> {
  const all: Options = { ...options, ...HELP };
  const known = Object.keys(all).map((name) => `--${name}`);
  // `deno task key -- --name ci` hands the dashes on.
  const own = args[0] === "--" ? args.slice(1) : args;
  const { values, positionals, tokens } = parseArgs({
    args: own,
    options: all,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional" && !takesOperands) {
      throw new UsageError(`unknown argument "${token.value}"; known: ${known.join(", ")}`);
    }
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const option = Object.hasOwn(all, name) ? all[name] : undefined;
    if (!option) throw new UsageError(`unknown argument "${rawName}"; ${didYouMean(rawName, known)}`);
    if (option.type === "string" && (value === undefined || value.startsWith("--"))) {
      throw new UsageError(`${rawName} must have a value behind it`);
    }
    if (option.type === "boolean" && value !== undefined) {
      throw new UsageError(`${rawName} takes no value; it has "${value}"`);
    }
  }
  return { values: values as Values<O & typeof HELP>, operands: positionals };
}

/**
 * The whole number of an option.
 *
 * @throws {UsageError} if it is none, or less than `min`
 */
export function wholeNumber(name: string, text: string, min = 0): number {
  if (/^\d+$/.test(text) && Number(text) >= min) return Number(text);
  throw new UsageError(`--${name} must be a whole number of at least ${min}; it is "${text}"`);
}

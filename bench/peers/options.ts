// The arguments of deno task bench:peers.

import { didYouMean } from "../../runtime/core/nearest.ts";
import { readArguments, UsageError, wholeNumber } from "../../tools/command_line.ts";

export const NAMES = ["errand", "bullmq", "pg-boss", "graphile-worker", "celery"] as const;
export type Name = typeof NAMES[number];

/** These two take part in every round, and are compared in process too; the others in the first round. */
export const RIVALS: readonly Name[] = ["errand", "bullmq"];

export interface Options {
  rounds: number;
  seconds: number;
  names: readonly Name[];
}

const ROUNDS = 5;
const SECONDS = 10;

export const HELP =
  `Run Errand and other task systems on the same load, in turn, and print a table and the ratios.

  deno task bench:peers
  deno task bench:peers --only errand,bullmq --rounds 3 --seconds 5

  --rounds N    rounds of Errand and BullMQ, one after the other (${ROUNDS}); the others take part in the first
  --seconds N   how long each round submits (${SECONDS}), and how long latency is measured at 100 tasks a second
  --only NAMES  of ${NAMES.join(", ")}

What is compared is installed once, into a folder of the cache: npm and python3 must be on the PATH.
REDIS_SERVER names another Redis than the pinned one. It runs on Linux, and leaves nothing running.`;

/** @throws {UsageError} */
export function readOptions(args: string[]): Options & { help: boolean } {
  const text = { type: "string" } as const;
  const { values } = readArguments(args, { options: { rounds: text, seconds: text, only: text } });
  return {
    help: values.help ?? false,
    rounds: wholeNumber("rounds", values.rounds ?? String(ROUNDS), 1),
    seconds: wholeNumber("seconds", values.seconds ?? String(SECONDS), 1),
    names: values.only === undefined ? NAMES : namesIn(values.only),
  };
}

function namesIn(text: string): Name[] {
  const given = text.split(",").map((name) => name.trim());
  for (const name of given) {
    if (!NAMES.includes(name as Name)) {
      throw new UsageError(`--only: unknown system "${name}"; ${didYouMean(name, [...NAMES])}`);
    }
  }
  return NAMES.filter((name) => given.includes(name));
}

// Options that say which tasks are meant.

import type { Command } from "commander";
import { STATE_TYPES } from "../../runtime/core/states.ts";
import type { Io } from "../io.ts";
import { pastInstant, someOf } from "../values.ts";

/** Without the times of ends. */
export function filtering(command: Command, { now }: Io): Command {
  const past = pastInstant(now);
  return command
    .option("-s, --state <states>", "in one of these states", someOf(STATE_TYPES))
    .option("-t, --task <name>", "of this definition")
    .option("--queue <name>")
    .option("--tag <tag>")
    .option("--group <id>")
    .option("--parent <id>")
    .option("-q, --search <text>", "the beginning of an id, or a part of an error")
    .option("--created-after <when>", "an instant, or so long ago: 2h", past)
    .option("--created-before <when>", "an instant, or so long ago: 2h", past);
}

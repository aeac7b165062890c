// What the declarations of commands have in common.

import type { Command } from "commander";
import { didYouMean } from "../runtime/core/nearest.ts";
import { CommandError } from "./command_error.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { Io } from "./io.ts";
import { visible } from "./output/terminal_text.ts";
import type { Session } from "./session.ts";

/** What became of the command that is run. */
export interface Running {
  session: Session | null;
  code: ExitCode;
}

/** What a command does, in the form in which it is given to Commander. */
export type Act = <Args extends unknown[]>(
  run: (session: Session, ...args: Args) => Promise<ExitCode>,
) => (...args: unknown[]) => Promise<void>;

export interface Declaring {
  program: Command;
  act: Act;
  io: Io;
}

/** A command that has commands of its own. */
export function groupOf(program: Command, name: string, description: string, ...lines: string[]): Command {
  return program.command(name).helpCommand(false).description(description)
    .addHelpText("after", examples(...lines));
}

/** The examples of a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** `ls` of a group of commands, which the group's name alone is, too. */
export function listing(group: Command): Command {
  const list = group.command("ls", { isDefault: true }).allowExcessArguments().allowUnknownOption();
  // A misspelt command of the group arrives here.
  return list.hook("preAction", (_, { args: [word] }) => {
    if (word === undefined) return;
    if (word.startsWith("-")) list.error(`error: unknown option '${visible(word)}'`);
    const names = group.commands.map((command) => command.name());
    const path = `${group.name()} ${word}`;
    throw new CommandError(`unknown command ${JSON.stringify(path)}; ${didYouMean(word, names)}`);
  });
}

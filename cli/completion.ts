// What may come next on a command line, for the scripts of `errand completion`.

import type { Command, Option } from "commander";

/** @param words those behind `errand`; the last is the one that is being typed, perhaps empty */
export function candidates(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  let command = program;
  for (const word of before) {
    command = command.commands.find((each) => each.name() === word || each.aliases().includes(word)) ??
      command;
  }
  const options = [...command.options, ...program.options];
  const former = before.length === 0
    ? undefined
    : options.find(({ short, long }) => [short, long].includes(before.at(-1)));
  const found = takesValue(former) ? valuesOf(former!) : wordsOf(command, options, typed);
  return [...new Set(found)].filter((word) => word.startsWith(typed)).sort();
}

function wordsOf(command: Command, options: readonly Option[], typed: string): string[] {
  if (typed.startsWith("-")) return [...options.flatMap(({ long }) => long ?? []), "--help"];
  if (command.name() === "completion") return ["bash", "zsh", "fish"];
  return command.commands.map((each) => each.name());
}

function takesValue(option: Option | undefined): boolean {
  return option !== undefined && (option.required || option.optional);
}

/** Of an option that takes some of a few words (values.ts). */
function valuesOf({ parseArg }: Option): readonly string[] {
  return (parseArg as { words?: readonly string[] } | undefined)?.words ?? [];
}

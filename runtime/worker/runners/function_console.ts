// What functions write to the console: a line of JSON for each call, with the task that it is from. What
// others write stays as it is.

import { format } from "node:util";
import { toJsonLine } from "../../core/json.ts";
import { isoAt, systemClock } from "../../platform/clock.ts";
import type { AttemptName } from "../../platform/log.ts";
import { FunctionScope } from "./function_scope.ts";

type Level = "debug" | "info" | "warn" | "error";

const LEVELS: Partial<Record<keyof Console, Level>> = {
  log: "info",
  info: "info",
  debug: "debug",
  warn: "warn",
  error: "error",
  trace: "error",
  dir: "info",
  dirxml: "info",
};

export interface ConsoleLine extends AttemptName {
  level: Level;
  at: string;
  message: string;
}

/** The console of the process itself. */
const write = console.error.bind(console);
let isTaken = false;

export function writeLine(line: ConsoleLine): void {
  write(toJsonLine(line));
}

/** @param write gets each line that a function writes */
export function takeConsole(write: (line: ConsoleLine) => void): void {
  if (isTaken) return;
  isTaken = true;
  for (const [name, level] of Object.entries(LEVELS)) {
    const original = Reflect.get(console, name) as (...args: unknown[]) => void;
    const tagged = (...args: unknown[]) => {
      const scope = FunctionScope.current;
      if (!scope) return Reflect.apply(original, console, args);
      write({ level, at: isoAt(systemClock.now()), message: format(...args), ...scope.running });
    };
    Reflect.set(console, name, tagged);
  }
}

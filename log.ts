// What the process says to its operator: one line of JSON for each thing, on standard error.

import { toJsonLine } from "./runtime/core/json.ts";
import { errorOf, stacksOf, textOf } from "./runtime/core/thrown_error.ts";
import type { Log } from "./runtime/mod.ts";

// Functions have a console of their own: what they write is told with their task.
const write = console.error.bind(console);

export const log: Log = {
  info: (message, about) => write(toJsonLine({ level: "info", at: new Date(), message, ...about })),
  error: (message, error, about) => {
    const said = { error: textOf(errorOf(error, false)), stack: stacksOf(error) };
    write(toJsonLine({ level: "error", at: new Date(), message, ...about, ...said }));
  },
};

// What the process says to its operator: one line of JSON for each thing, on standard error.

// deno-lint-ignore-file no-console

import type { Log } from "./runtime/mod.ts";

export const log: Log = {
  info: (message) => console.error(JSON.stringify({ level: "info", at: new Date(), message })),
  error: (message, error) => {
    const said = error instanceof Error ? error.stack ?? error.message : String(error);
    console.error(JSON.stringify({ level: "error", at: new Date(), message, error: said }));
  },
};

// A task that only waits, and stops at once when it is cancelled: what it waits for gets the signal.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";
import { wait } from "./wait.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export const sleep = define(
  {
    name: "sleep",
    description: "Waits, then returns the value that it was given.",
    input: z.object({
      ms: z.int().min(0).max(DAY_MS).describe("How long to wait, in milliseconds; at most a day"),
      value: z.unknown().optional().describe("What to return then; null if missing"),
    }),
  },
  async ({ input, signal }) => {
    await wait(input.ms, signal);
    return input.value ?? null;
  },
);

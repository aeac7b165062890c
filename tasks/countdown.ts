// Everything that a task can say while it runs: progress, log lines and chunks of output.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";
import { wait } from "./wait.ts";

export const countdown = define(
  {
    name: "countdown",
    description: "Counts down to 1, with progress, a log line and a chunk per step.",
    input: z.object({
      from: z.int().min(0).max(10_000),
      stepMs: z.int().min(0).max(60_000).describe("The pause after each step, in milliseconds"),
    }),
    output: z.literal("liftoff"),
  },
  async ({ input, signal, progress, log, emit }) => {
    for (let left = input.from; left > 0; left--) {
      progress(input.from - left + 1, input.from, `T minus ${left}`);
      log(`T minus ${left}`);
      emit(left);
      await wait(input.stepMs, signal);
    }
    return "liftoff" as const;
  },
);

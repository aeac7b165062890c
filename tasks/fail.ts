// Fails on purpose, some times or always. It shows how an error's name and message reach the client, and that
// a thrown error whose `retryable` is false ends the task although attempts are left.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";

export const fail = define(
  {
    name: "fail",
    description: "Throws an error; from attempt `untilAttempt` on, returns the attempt's number instead.",
    input: z.object({
      message: z.string(),
      name: z.string().min(1).max(100).optional().describe('The error\'s name; "Error" if missing'),
      untilAttempt: z.int().min(1).optional().describe(
        "The first attempt that succeeds; if missing, none does",
      ),
      retryable: z.boolean().optional().describe("false: not tried again, whatever the retry policy says"),
    }),
    output: z.int(),
  },
  ({ input, attempt }) => {
    if (input.untilAttempt !== undefined && attempt >= input.untilAttempt) return attempt;
    const error = new Error(input.message);
    if (input.name !== undefined) error.name = input.name;
    throw input.retryable === false ? Object.assign(error, { retryable: false }) : error;
  },
);

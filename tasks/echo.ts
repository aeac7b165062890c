// Gives back what it got: the task to try limits, encodings and references with.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";

// `z.unknown()` alone takes a missing key for undefined, which JSON cannot say; null stays a value like any
// other.
const anyJson = z.unknown().refine((value) => value !== undefined, "Required: any JSON value, also null");

export const echo = define(
  {
    name: "echo",
    description: "Returns the value that it is given.",
    input: z.object({ value: anyJson.describe("Any JSON value") }),
  },
  ({ input }) => input.value,
);

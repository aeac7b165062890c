// The smallest useful task: a schema for what goes in, one for what comes out, and a plain function.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";

export const add = define(
  {
    name: "add",
    description: "Adds two numbers.",
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.number(),
  },
  ({ input }) => input.a + input.b,
);

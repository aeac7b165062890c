// What this program can do. Every export is a task, submitted by its name.

import { define } from "@errand/errand";
import { z } from "zod";

export const greet = define(
  {
    name: "greet",
    description: "Greets somebody.",
    input: z.object({ name: z.string().min(1) }),
    output: z.string(),
  },
  ({ input }) => `Hello, ${input.name}!`,
);

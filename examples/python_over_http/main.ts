// The service that client.py calls: POST http://127.0.0.1:8000/v1/tasks.

import { define, readConfig, serve } from "@errand/errand";
import { z } from "zod";

const greet = define(
  { name: "greet", input: z.object({ name: z.string() }), output: z.string() },
  async ({ input, progress }) => {
    progress(1, 2, "thinking");
    await new Promise((resolve) => setTimeout(resolve, 50));
    return `Hello, ${input.name}!`;
  },
);

await serve(readConfig(Deno.env.toObject()), { greet });

// The background work of this app.

import { define, PermanentError } from "@errand/errand";
import { z } from "zod";

export const report = define(
  {
    name: "report",
    description: "Adds up the lines of an order, and tells how far it is.",
    input: z.object({ order: z.int(), lines: z.array(z.object({ item: z.string(), cents: z.int() })) }),
    output: z.object({ order: z.int(), totalCents: z.int() }),
    retry: { maxAttempts: 3, delayMs: 200 },
    timeoutMs: 60_000,
  },
  ({ input: { order, lines }, progress }) => {
    let totalCents = 0;
    for (const [i, { item, cents }] of lines.entries()) {
      // Another attempt would find the same: the task ends FAILED now.
      if (cents < 0) throw new PermanentError(`${item} has a negative price`);
      totalCents += cents;
      progress(i + 1, lines.length, item);
    }
    return { order, totalCents };
  },
);

// The service as main.ts runs it, with a function that takes all descriptors of the process.

import { z } from "zod";
import { readConfig } from "../../config.ts";
import { define } from "../../runtime/core/define.ts";
import { serve } from "../../service.ts";
import { primes } from "../../tasks/primes.ts";

const taken: Deno.FsFile[] = [];

/** Leaves so many; null: gives all back. */
const hoard = define({ name: "hoard", input: z.object({ leave: z.int().nullable() }) }, ({ input }) => {
  for (const file of taken.splice(0)) file.close();
  if (input.leave === null) return;
  try {
    for (;;) taken.push(Deno.openSync("/dev/null"));
  } catch (error) {
    if ((error as { code?: string }).code !== "EMFILE") throw error;
  }
  for (const file of taken.splice(0, input.leave)) file.close();
});

await serve(readConfig(Deno.env.toObject()), [hoard, primes]);

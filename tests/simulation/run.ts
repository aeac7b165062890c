// `deno task sim -- --seeds N [--from S]` runs many worlds; `--seed S` runs one and prints its whole story;
// `--without NAME` takes one of the engine's safeguards away (weakened.ts).

// deno-lint-ignore-file no-console -- this is a command

import { commandLine } from "../../tools/command_line.ts";
import { WEAKENED } from "./weakened.ts";
import type { Weaken } from "./surroundings.ts";
import { tell } from "./world.ts";

const HELP = `Run the engine in simulated worlds full of faults.

  deno task sim -- --seeds N --from S   many worlds (1000, from 1)
  deno task sim -- --seed S             one, with its whole story
  --without NAME                        without one of the engine's safeguards: ${
  Object.keys(WEAKENED).join(", ")
}`;

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values } = commandLine({
    options: { seeds: text, from: text, seed: text, without: text },
    help: HELP,
  });
  if (values.without !== undefined && !(values.without in WEAKENED)) {
    console.error(`--without takes one of: ${Object.keys(WEAKENED).join(", ")}`);
    Deno.exit(2);
  }
  const weaken = WEAKENED[values.without as keyof typeof WEAKENED] as Weaken | undefined;
  const failed = values.seed !== undefined
    ? await story(Number(values.seed), weaken)
    : await many(Number(values.from ?? 1), Number(values.seeds ?? 1_000), weaken);
  Deno.exit(failed ? 1 : 0);
}

async function story(seed: number, weaken?: Weaken): Promise<boolean> {
  const { history, violations, ...told } = await tell(seed, weaken);
  console.log(history.join("\n"));
  console.log(`\n${JSON.stringify(told)}`);
  for (const violation of violations) console.log(violation);
  return violations.length > 0;
}

async function many(from: number, seeds: number, weaken?: Weaken): Promise<boolean> {
  const began = performance.now();
  const sums = { tasks: 0, runs: 0, events: 0, crashes: 0, virtualMs: 0, orphanChunks: 0, orphanEdges: 0 };
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const told = await tell(seed, weaken).catch((error: Error) => error);
    if (told instanceof Error) {
      failed++;
      console.log(`seed ${seed} ended with ${told.stack}`);
      continue;
    }
    for (const name of ["tasks", "runs", "events", "crashes", "virtualMs"] as const) sums[name] += told[name];
    sums.orphanChunks += told.gaps.orphanChunks;
    sums.orphanEdges += told.gaps.orphanEdges;
    if (told.violations.length > 0) {
      failed++;
      console.log(`seed ${seed}: ${told.violations.length} violations, the first: ${told.violations[0]}`);
    }
    const done = seed - from + 1;
    if (done % 500 === 0 || done === seeds) {
      const seconds = (performance.now() - began) / 1000;
      const rate = (done / seconds).toFixed(1);
      console.log(`${done} seeds, ${failed} failed, ${rate} seeds/s, ${JSON.stringify(sums)}`);
    }
  }
  return failed > 0;
}

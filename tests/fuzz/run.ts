// deno-lint-ignore-file no-console
// `deno task fuzz`: many made-up requests, and what became of them.

import { commandLine } from "../../tools/command_line.ts";
import { fuzz } from "./fuzz.ts";

const HELP = `Sends made-up requests, derived from the OpenAPI document, and looks at every answer.

  deno task fuzz                        100,000 requests
  deno task fuzz --requests N --seed S`;

if (import.meta.main) {
  const options = { requests: { type: "string" }, seed: { type: "string" } } as const;
  const { values } = commandLine({ options, help: HELP });
  const count = Number(values.requests ?? 100_000);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const memory = () => Math.round(Deno.memoryUsage().heapUsed / 2 ** 20);
  const startedAt = performance.now();
  const { statuses, faults } = await fuzz(count, seed, (done) => {
    if (done % 10_000 === 0) console.error(`${done} requests, ${memory()} MiB of heap`);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`seed ${seed}: ${count} requests in ${seconds.toFixed(1)} s`);
  for (const [status, times] of [...statuses].sort()) console.log(`  ${status}: ${times}`);
  for (const fault of faults.slice(0, 20)) console.error(`FAULT ${fault}`);
  console.log(`${faults.length} faults`);
  Deno.exit(faults.length > 0 ? 1 : 0);
}

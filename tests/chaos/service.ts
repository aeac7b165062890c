// The service as main.ts runs it, with functions and leases that are written down in LOGS.

import { readConfig } from "../../config.ts";
import { serve } from "../../service.ts";
import { definitionsWith } from "./definitions.ts";
import { openJournal } from "./journal.ts";
import { observeLeases } from "./observed_leases.ts";

if (import.meta.main) {
  endWithParent();
  const logs = Deno.env.get("LOGS")!;
  observeLeases(openJournal(`${logs}/leases.jsonl`));
  await serve(readConfig(Deno.env.toObject()), definitionsWith(openJournal(`${logs}/runs.jsonl`)));
}

/**
 * The process that started it holds the other end of its standard input. If that process dies, this one ends.
 */
async function endWithParent(): Promise<void> {
  const bytes = new Uint8Array(1);
  while (await Deno.stdin.read(bytes) !== null);
  Deno.exit(0);
}

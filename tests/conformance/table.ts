// deno-lint-ignore-file no-console
// `deno task conformance`: runs every row against a real service and prints the table. Exit code 1 if a row
// fails that is in the list of passing ones, or has gone from the table.

import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { readPassing, writePassing } from "./passing.ts";
import { nameOf, type Row } from "./row.ts";
import { systems } from "./systems.ts";
import { commandLine } from "../../tools/command_line.ts";

const HELP = `Prints what of other systems' promises is kept here.

  deno task conformance            run all rows, print the table; some open /usr/bin/chromium
  deno task conformance --update   the same, and take down the rows that pass as passing`;

const LONGEST_MS = 30_000;

if (import.meta.main) {
  const { values } = commandLine({ options: { update: { type: "boolean" } }, help: HELP });
  Deno.exit(await printTable(values.update ?? false));
}

async function printTable(update: boolean): Promise<number> {
  await using server = await aServer({ CONCURRENCY: "20", LEASE_MS: "2000" });
  const passing: string[] = [];
  const failed: string[] = [];
  const counts: string[] = [];
  const total: Count[] = [];
  for (const system of systems) {
    console.log(`\n${system.name}`);
    const count = { kept: 0, by: 0, notYet: 0 };
    for (const row of system.rows) {
      const name = nameOf(system, row);
      const said = await outcomeOf(row, aClient(server.url));
      if (said === "pass") {
        count["by" in row ? "by" : "kept"]++;
        passing.push(name);
      } else if ("test" in row) failed.push(`${name}: ${said}`);
      else count.notYet++;
      console.log(`  ${said.split("\n")[0].padEnd(8)} ${row.promise} (${row.source})`);
      if ("by" in row) console.log(`           by ${row.by}`);
      if ("notYet" in row) console.log(`           ${row.notYet}`);
    }
    total.push(count);
    counts.push(`${system.name}: ${textOf(count)} of ${system.rows.length}`);
  }
  const sum = (key: keyof Count) => total.reduce((all, count) => all + count[key], 0);
  counts.push(`all: ${textOf({ kept: sum("kept"), by: sum("by"), notYet: sum("notYet") })}`);
  console.log(`\n${counts.join("\n")}`);
  const lost = (await readPassing()).filter((name) => !passing.includes(name));
  if (update) await writePassing(passing);
  for (const each of failed) console.error(`\nFAILED ${each}`);
  for (const each of update ? [] : lost) console.error(`\nit passed before: ${each}`);
  return failed.length + (update ? 0 : lost.length) > 0 ? 1 : 0;
}

interface Count {
  kept: number;
  /** By something else than what was promised. */
  by: number;
  notYet: number;
}

function textOf({ kept, by, notYet }: Count): string {
  return `${kept} kept, ${by} by a substitute, ${notYet} not yet`;
}

async function outcomeOf(row: Row, errand: Errand): Promise<string> {
  if ("notYet" in row) return "not yet";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took over ${LONGEST_MS} ms`)), LONGEST_MS);
  });
  try {
    await Promise.race([row.test(errand), late]);
    return "pass";
  } catch (error) {
    return `FAILED\n${error instanceof Error ? error.stack : error}`;
  } finally {
    clearTimeout(timer);
  }
}

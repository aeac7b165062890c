// `errand definitions`

import type { DefinitionInfo } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { didYouMean } from "../../runtime/core/nearest.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Column } from "../output/table.ts";
import type { Session } from "../session.ts";

const COLUMNS: Column<DefinitionInfo>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "INPUT", of: ({ input }) => fieldsOf(input), shrinks: true },
  { title: "PAUSED", of: ({ paused }) => paused === null ? null : paused.note ?? "paused", shrinks: true },
  { title: "DESCRIPTION", of: ({ description }) => description, shrinks: true },
];

export async function definitions(session: Session, name?: string): Promise<ExitCode> {
  const all = await (await session.client()).definitions.list();
  if (name === undefined) {
    await session.list(all, COLUMNS, "nothing is defined here; `deno task new -- my-app` makes a first task");
    return EXIT.done;
  }
  const found = all.find((definition) => definition.name === name);
  if (found !== undefined) {
    session.json(found);
    return EXIT.done;
  }
  const hint = didYouMean(name, all.map((definition) => definition.name));
  throw new CommandError(`no definition is named ${JSON.stringify(name)}; ${hint}`, EXIT.notFound);
}

/** `{a, b?}` */
function fieldsOf(schema: Record<string, unknown>): string {
  const { properties, required = [], type } = schema as {
    properties?: Record<string, unknown>;
    required?: string[];
    type?: unknown;
  };
  if (properties === undefined) return typeof type === "string" ? type : "any";
  const names = Object.keys(properties).map((name) => required.includes(name) ? name : `${name}?`);
  return `{${names.join(", ")}}`;
}

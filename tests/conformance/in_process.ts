// An Errand in the row's own process, in memory, for what no client of a service can show.

import { type AnyDefinition, createErrand, type DefinitionDefaults } from "../../mod.ts";
import { definitions } from "../support/definitions.ts";

/** @param given its own definitions */
export async function anErrandHere(given: AnyDefinition[] = Object.values(definitions)) {
  const errand = await createErrand({ kv: ":memory:", definitions: given });
  await errand.start();
  return errand;
}

/** Definitions are plain values: a program may go through them and give them defaults, by their names. */
export function withDefaults(defaultsOf: (name: string) => DefinitionDefaults): AnyDefinition[] {
  const all: AnyDefinition[] = Object.values(definitions);
  return all.map((each) => ({ ...each, defaults: { ...defaultsOf(each.name), ...each.defaults } }));
}

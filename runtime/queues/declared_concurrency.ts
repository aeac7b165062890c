// How many tasks of a queue or a definition run at once, as the code of definitions says. A process that
// starts writes it, and takes back what its code says no more. Of two programs that say different things the
// one that has started last is right.

import type { AnyDefinition } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { Store } from "../store/store.ts";
import { changeConcurrency, type Limited } from "./concurrency.ts";
import type { Controls } from "./controls.ts";

interface Declared {
  what: Limited;
  base: number;
  /** The definition that says so: the first one by name. */
  of: string;
}

/** @throws {TypeError} if two definitions say different things of a queue */
export function declaredConcurrency(definitions: readonly AnyDefinition[]): Map<string, Declared> {
  const declared = new Map<string, Declared>();
  for (const { name, bases, defaults: { queue = DEFAULT_QUEUE } } of definitions) {
    if (bases?.own !== undefined) add(declared, { kind: "definition", name }, bases.own, name);
    if (bases?.queue !== undefined) add(declared, { kind: "queue", name: queue }, bases.queue, name);
  }
  return declared;
}

function add(declared: Map<string, Declared>, what: Limited, base: number, of: string): void {
  const known = declared.get(nameOf(what));
  if (known === undefined) declared.set(nameOf(what), { what, base, of });
  else if (known.base !== base) {
    const [one, other] = [`"${known.of}" says ${known.base}`, `"${of}" says ${base}`];
    throw new TypeError(`Cannot limit the queue ${what.name} to two numbers at once: ${one}, and ${other}`);
  }
}

/** May be repeated. */
export async function declareConcurrency(
  store: Store,
  controls: Controls,
  definitions: readonly AnyDefinition[],
): Promise<void> {
  const declared = declaredConcurrency(definitions);
  const isHere = (name: string) => definitions.some((definition) => definition.name === name);
  await controls.look();
  for (const { kind, name, control: { concurrency } } of controls.now.all) {
    if (kind === "all" || concurrency?.baseOf === undefined || !isHere(concurrency.baseOf)) continue;
    if (declared.has(nameOf({ kind, name }))) continue;
    await changeConcurrency(store, controls, { kind, name }, (before) => {
      const { baseOf, ...rest } = before;
      return baseOf !== undefined && isHere(baseOf) ? { ...rest, base: null } : before;
    });
  }
  for (const { what, base, of } of declared.values()) {
    await changeConcurrency(store, controls, what, (before) => {
      return before.base === base && before.baseOf === of ? before : { ...before, base, baseOf: of };
    });
  }
}

function nameOf({ kind, name }: Limited): string {
  return `${kind}/${name}`;
}

// Schedules in the code of definitions. A process that starts writes what its code says, and removes what its
// code says no more. Of two programs that say different things the one that has started last is right.

import { parseBounded } from "../core/bounded_parse.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { Fault } from "../core/errors.ts";
import type { Registry } from "../core/registry.ts";
import type { ScheduleConfig } from "../core/schedule_config.ts";
import { sha256 } from "../core/sha256.ts";
import { faultsOf } from "../core/zod_faults.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Log } from "../platform/log.ts";
import { pages } from "../platform/paging.ts";
import { configured } from "./change.ts";
import { configSchema, isName, NAME_RULE } from "./config.ts";
import type { ScheduleContext } from "./context.ts";
import { loadCron } from "./cron.ts";
import { entryOf, keyOf, type ScheduleRecord, writesOf } from "./record.ts";
import { expansionOf } from "./spec.ts";

/** What a definition declares, as its key in the database says. */
interface Declared {
  fingerprint: string;
  names: string[];
  /** A call has made one of these names: the next start tries again. */
  isTaken?: true;
}

/** By definition, and there by name. */
export type Declarations = ReadonlyMap<string, ReadonlyMap<string, ScheduleConfig>>;

const PER_READ = 100;

/**
 * What the definitions declare.
 *
 * @throws {TypeError} for what is no schedule, or has the name of another one
 */
export async function declarationsOf(registry: Registry): Promise<Declarations> {
  const declarations = new Map<string, Map<string, ScheduleConfig>>();
  const definedBy = new Map<string, string>();
  for (const definition of registry.all()) {
    const own = new Map<string, ScheduleConfig>();
    for (const [name, config] of configsOf(definition)) {
      await loadCron();
      const other = definedBy.get(name);
      const what = `Cannot declare the schedule "${name}" of the definition "${definition.name}"`;
      if (other !== undefined) throw new TypeError(`${what}: "${other}" declares one of this name`);
      definedBy.set(name, definition.name);
      const [fault] = faultsIn(registry, definition, name, config);
      if (fault) throw new TypeError(`${what}: ${fault.pointer} ${fault.message}`);
      own.set(name, config);
    }
    if (own.size > 0) declarations.set(definition.name, own);
  }
  return declarations;
}

function configsOf({ name, schedules = [] }: AnyDefinition): [name: string, config: ScheduleConfig][] {
  return schedules.map(({ name: own = name, ...said }) => [own, { ...said, task: name }]);
}

function faultsIn(
  registry: Registry,
  definition: AnyDefinition,
  name: string,
  config: ScheduleConfig,
): Fault[] {
  if (!isName(name)) return [{ pointer: "/name", message: NAME_RULE }];
  const parsed = parseBounded(configSchema(), config);
  if (!parsed.success) return faultsOf(parsed.error, config);
  const expansion = expansionOf(config);
  if (Array.isArray(expansion)) return expansion;
  return registry.faultsOfInput(definition, config.input === undefined ? {} : config.input, "/input");
}

/** True if the database has what these definitions declare. */
export async function areDeclared(kv: KvPort, definitions: Iterable<AnyDefinition>): Promise<boolean> {
  const declaring = [...definitions].filter((definition) => configsOf(definition).length > 0);
  const found = await kv.getMany<Declared>(declaring.map(({ name }) => keys.declaredSchedules(name)));
  return declaring.every((definition, i) => {
    return found[i].value?.fingerprint === fingerprintOf(configsOf(definition));
  });
}

function fingerprintOf(configs: Iterable<[string, ScheduleConfig]>): string {
  return sha256().update(JSON.stringify([...configs])).digest("hex");
}

/** Writes what this process's code says, and removes what it says no more. May be repeated. */
export async function declare(
  context: ScheduleContext,
  declarations: Declarations,
  log: Log,
): Promise<void> {
  const { commands: { store: { kv }, registry } } = context;
  const stored = new Map<string, Declared>();
  for await (const page of pages<Declared>(kv, { prefix: prefixes.declaredSchedules }, { size: PER_READ })) {
    for (const { key, value } of page) stored.set(parse.declaredSchedules(key), value);
  }
  for (const definition of new Set([...stored.keys(), ...declarations.keys()])) {
    // Those of a definition that this process lacks are another program's.
    if (!registry.has(definition)) continue;
    const own = declarations.get(definition) ?? new Map<string, ScheduleConfig>();
    const before = stored.get(definition);
    const fingerprint = fingerprintOf(own);
    if (before?.fingerprint === fingerprint && !before.isTaken) continue;
    let isTaken = false;
    for (const [name, config] of own) if (!await write(context, name, config, log)) isTaken = true;
    for (const name of before?.names ?? []) if (!own.has(name)) await remove(context, name, definition);
    const key = keys.declaredSchedules(definition);
    const value: Declared = { fingerprint, names: [...own.keys()], ...(isTaken && { isTaken }) };
    await kv.writeBlind([own.size > 0 ? { key, value } : { key }], 0);
  }
}

/** @returns false if a call has made one of this name */
async function write(
  context: ScheduleContext,
  name: string,
  config: ScheduleConfig,
  log: Log,
): Promise<boolean> {
  const { commands: { store }, expect } = context;
  const op = store.ids.token();
  for (;;) {
    const found = await store.kv.get<Uint8Array>(keys.schedule(name, ""));
    const known = entryOf(found)?.record ?? null;
    if (known?.op === op) return true;
    if (known !== null && known.declaredBy === undefined) {
      const remedy = "one of this name was made by a call: delete it, or give this one another name";
      log.error(`the schedule ${name} of the definition ${config.task} is not declared`, new Error(remedy));
      return false;
    }
    const change = { now: store.clock.now(), by: null, op, isDeclared: true };
    const next = { ...configured(known, name, "", config, change), declaredBy: config.task };
    if (!await moved(context, known, next, found.versionstamp)) continue;
    if (next.dueAt !== null) expect(next.dueAt);
    return true;
  }
}

/** Unless a call, or another definition, has made it its own. */
async function remove(context: ScheduleContext, name: string, definition: string): Promise<void> {
  const { store } = context.commands;
  for (;;) {
    const found = await store.kv.get<Uint8Array>(keys.schedule(name, ""));
    const known = entryOf(found)?.record ?? null;
    if (known?.declaredBy !== definition) return;
    if (await moved(context, known, null, found.versionstamp)) return;
  }
}

async function moved(
  { commands: { store } }: ScheduleContext,
  known: ScheduleRecord | null,
  next: ScheduleRecord | null,
  versionstamp: string | null,
): Promise<boolean> {
  const checks = [{ key: keyOf((next ?? known)!), versionstamp }];
  return await store.commit("submit", [], { checks, writes: writesOf(known, next) }) !== null;
}

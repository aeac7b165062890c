// References in an input: `{"$task": id}` is replaced with that task's result, or the results of that group's
// tasks, and `{"$quote": value}` with the value, which is not searched for references.
// `{"$task": id, "$allowFailure": true}` becomes `{error}` if the task does not complete.

import type { Fault } from "./errors.ts";
import { pointer } from "./json.ts";

export interface Reference {
  /** The id of a task; within a flow it may be a name. */
  task: string;
  /** Keys and indexes from the outermost value inwards. */
  path: (string | number)[];
  /** The task may end in any way. */
  allowFailure?: true;
}

export interface Found {
  references: Reference[];
  /** True if the value contains a reference or a quote. */
  special: boolean;
  faults: Fault[];
}

/** False for almost all inputs: they need not be searched. */
export function mayHaveReferences(text: string): boolean {
  return text.includes('"$task"') || text.includes('"$quote"');
}

/** All references in a JSON value, in order. `prefix` is the pointer to the value. */
export function findReferences(value: unknown, prefix: string): Found {
  const found: Found = { references: [], special: false, faults: [] };
  walk(value, [], (special, path) => {
    found.special = true;
    const fault = faultOf(special);
    if (fault !== null) {
      if (found.faults.length < MOST_FAULTS) {
        found.faults.push({ pointer: prefix + pointer(path), message: fault });
      }
    } else if ("$task" in special) {
      const reference: Reference = { task: normal(special.$task as string), path: [...path] };
      if (special.$allowFailure === true) reference.allowFailure = true;
      found.references.push(reference);
    }
  });
  return found;
}

/** The value with each reference replaced by `of(its task)`, and each quote by its content. */
export function resolveReferences(value: unknown, of: (task: string) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => resolveReferences(each, of));
  if (isSpecial(value)) return "$quote" in value ? value.$quote : of(normal(value.$task as string));
  const resolved: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) set(resolved, key, resolveReferences(each, of));
  return resolved;
}

/** The value, changed in place, with references to other tasks. */
export function referTo(value: unknown, of: (task: string) => string): unknown {
  walk(value, [], (special) => {
    if ("$task" in special) special.$task = of(normal(special.$task as string));
  });
  return value;
}

/** Ids are lower case; within a flow it may be a name. */
function normal(task: string): string {
  return /^[0-9a-f-]{36}$/i.test(task) ? task.toLowerCase() : task;
}

/** More of them help nobody. */
const MOST_FAULTS = 50;

type Special = { $task?: unknown; $quote?: unknown; $allowFailure?: unknown };

function isSpecial(value: object): value is Special {
  return Object.hasOwn(value, "$task") || Object.hasOwn(value, "$quote");
}

type Path = (string | number)[];
/** The path is that of the walk: it changes afterwards. */
type Meet = (special: Special, path: Path) => void;

function walk(value: unknown, path: Path, meet: Meet): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) value.forEach((each, i) => within(each, i, path, meet));
  else if (isSpecial(value)) meet(value, path);
  else for (const [key, each] of Object.entries(value)) within(each, key, path, meet);
}

function within(value: unknown, key: string | number, path: Path, meet: Meet): void {
  if (typeof value !== "object" || value === null) return;
  path.push(key);
  walk(value, path, meet);
  path.pop();
}

function faultOf(special: Special): string | null {
  const [name, ...all] = Object.keys(special).sort((a) => a === "$task" || a === "$quote" ? -1 : 1);
  const others = name === "$task" ? all.filter((key) => key !== "$allowFailure") : all;
  if (others.length > 0) {
    return `an object with "${name}" must have no other key (got "${others[0]}"); ` +
      `data that looks so is quoted: {"$quote": …}`;
  }
  if (name === "$task" && typeof special.$task !== "string") {
    return `"$task" must be the id of a task (got ${typeof special
      .$task}); data that looks so is quoted: {"$quote": …}`;
  }
  if (special.$allowFailure !== undefined && typeof special.$allowFailure !== "boolean") {
    return `"$allowFailure" must be true or false (got ${typeof special.$allowFailure})`;
  }
  return null;
}

function set(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}

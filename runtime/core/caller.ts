// Who asks. Commands and queries are given the caller as a value; nothing reads it from anywhere else.

import { DEFAULT_QUEUE } from "./queue.ts";

/** What a caller may do. `admin` includes all others. */
export const SCOPES = ["submit", "read", "cancel", "complete", "work", "operate", "admin"] as const;
export type Scope = typeof SCOPES[number];

export interface Caller {
  /** The name of its key; null for who needs none. */
  readonly name: string | null;
  /** Whose tasks it may know. Empty for the default tenant. */
  readonly tenant: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Which of these tasks: `task:resize*`, `queue:gpu`. None: all. */
  readonly patterns: readonly string[];
  /** W3C trace context of its call: kept with the tasks that it submits. */
  readonly trace?: string;
}

/** Whoever needs no key: this program itself, or this machine where the service has no keys. */
export const ANYBODY: Caller = { name: null, tenant: "", scopes: new Set(["admin"]), patterns: [] };

/**
 * A caller who may know all tasks of a tenant.
 *
 * @param name whose quotas it uses
 */
export function callerWithin(tenant: string, name: string | null = null): Caller {
  return tenant === "" && name === null ? ANYBODY : { ...ANYBODY, tenant, name };
}

/** True if the caller's patterns allow the task: at least one of each kind that it has. */
export function knows(
  caller: Caller,
  { task, queue = DEFAULT_QUEUE }: { task: string; queue?: string },
): boolean {
  return caller.patterns.length === 0 || knowsDefinition(caller, task) && knowsQueue(caller, queue);
}

export function knowsDefinition({ patterns }: Caller, name: string): boolean {
  return patterns.length === 0 || allows(patterns, "task:", name);
}

export function knowsQueue({ patterns }: Caller, name: string): boolean {
  return patterns.length === 0 || allows(patterns, "queue:", name);
}

function allows(patterns: readonly string[], kind: string, name: string): boolean {
  const own = patterns.filter((pattern) => pattern.startsWith(kind)).map((pattern) =>
    pattern.slice(kind.length)
  );
  return own.length === 0 ||
    own.some((pattern) => pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
}

export function holds({ scopes }: Pick<Caller, "scopes">, scope: Scope): boolean {
  return scopes.has("admin") || scopes.has(scope);
}

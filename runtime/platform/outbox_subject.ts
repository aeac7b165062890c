// What an outbox entry is about: its id says so.

export type OutboxSubject =
  | { kind: "task"; id: string }
  | { kind: "barrier"; id: string }
  | { kind: "retry"; task: string }
  | { kind: "concurrency-limit"; group: string }
  | { kind: "group"; group: string }
  | { kind: "group-end"; group: string }
  | { kind: "limit"; name: string }
  | { kind: "full-limit"; task: string }
  | { kind: "limit-rules"; tenant: string }
  | { kind: "held"; definition: string }
  | { kind: "rest"; task: string }
  | { kind: "replace"; task: string };

/** Sorts before all other ids of barriers. */
export const BARRIER = "seal-";
/** To release 0.1 it is a barrier of any kind: it lifts it. */
const RETRY_BARRIER = `${BARRIER}retry-`;
const CONCURRENCY_LIMIT = "window-";
const LIMIT = "limit-";
const LIMIT_RULES = "rules-";
const FULL_LIMIT = "full-";
const HELD = "held-";
const REST = "rest-";
const GROUP = "group-";
const GROUP_END = "ended-";
const REPLACE = "replace-";

export function barrierId(firstTask: string): string {
  return BARRIER + firstTask;
}

/** Holds a retried task back until its dependents wait for it again. */
export function retryBarrierId(task: string): string {
  return RETRY_BARRIER + task;
}

export function concurrencyLimitId(group: string): string {
  return CONCURRENCY_LIMIT + group;
}

/** A group with a policy has stopped, or has ended. */
export function groupSubject(group: string): string {
  return GROUP + group;
}

/** Tasks that wait for the group are to be told whether it has ended, and how. */
export function groupEndSubject(group: string): string {
  return GROUP_END + group;
}

/** Tasks may be let in that wait for a slot of the limit. */
export function limitSubject(name: string): string {
  return LIMIT + name;
}

/** The task has met a full limit, and must not just wait. */
export function fullLimitSubject(task: string): string {
  return FULL_LIMIT + task;
}

/** The rules have changed: the limits must learn of it. */
export function limitRulesSubject(tenant: string): string {
  return LIMIT_RULES + tenant;
}

/** Asks for the tasks of a definition that is paused no more. */
export function heldId(definition: string): string {
  return HELD + definition;
}

/** The task has started with some of several tasks: the others are to be cancelled. */
export function restSubject(task: string): string {
  return REST + task;
}

/** The function of the task has put others in its place: they are to be submitted, or cancelled with it. */
export function replaceSubject(task: string): string {
  return REPLACE + task;
}

export function isBarrier(id: string): boolean {
  return id.startsWith(BARRIER);
}

export function outboxSubject(id: string): OutboxSubject {
  if (id.startsWith(RETRY_BARRIER)) return { kind: "retry", task: id.slice(RETRY_BARRIER.length) };
  if (isBarrier(id)) return { kind: "barrier", id };
  if (id.startsWith(LIMIT_RULES)) return { kind: "limit-rules", tenant: id.slice(LIMIT_RULES.length) };
  if (id.startsWith(FULL_LIMIT)) return { kind: "full-limit", task: id.slice(FULL_LIMIT.length) };
  if (id.startsWith(LIMIT)) return { kind: "limit", name: id.slice(LIMIT.length) };
  if (id.startsWith(HELD)) return { kind: "held", definition: id.slice(HELD.length) };
  if (id.startsWith(REPLACE)) return { kind: "replace", task: id.slice(REPLACE.length) };
  if (id.startsWith(REST)) return { kind: "rest", task: id.slice(REST.length) };
  if (id.startsWith(GROUP_END)) return { kind: "group-end", group: id.slice(GROUP_END.length) };
  if (id.startsWith(GROUP)) return { kind: "group", group: id.slice(GROUP.length) };
  if (!id.startsWith(CONCURRENCY_LIMIT)) return { kind: "task", id };
  return { kind: "concurrency-limit", group: id.slice(CONCURRENCY_LIMIT.length) };
}

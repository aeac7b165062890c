// Queues: a task waits for a worker in one of them, by its name.

/** Of tasks for which neither the submit nor the definition says another. */
export const DEFAULT_QUEUE = "default";

export const QUEUE_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
export const QUEUE_RULE = "must be 1 to 64 of a-z, 0-9 and _ . -, and begin with a letter or a digit";

/** A queue that a process takes tasks from. */
export interface ServedQueue {
  name: string;
  /** Functions of it that run at once, on slots of its own. Left out: on those of `concurrency`. */
  slots?: number;
}

/** Which queues a process takes tasks from. Null: all of them. */
export type ServedQueues = readonly ServedQueue[] | null;

export function serves(served: ServedQueues, queue: string): boolean {
  return served === null || served.some(({ name }) => name === queue);
}

/** Functions that may run at once, in all queues together. */
export function slotsOfAll(served: ServedQueues, concurrency: number): number {
  if (served === null) return concurrency;
  const own = served.reduce((sum, { slots = 0 }) => sum + slots, 0);
  return served.some(({ slots }) => slots === undefined) ? own + concurrency : own;
}

const MOST_QUEUES = 100;
const MOST_SLOTS = 10_000;
const LIST_RULE =
  "must be names of queues, with commas between, each with slots of its own if wanted, as gpu,default:20";

/** The queues that a setting names, as `gpu,default:20` or in a list; or what is wrong with it. */
export function servedQueuesIn(given: unknown): ServedQueues | string {
  if (given === null) return null;
  const parts: unknown = typeof given === "string" ? given.split(",").map((part) => part.trim()) : given;
  if (!Array.isArray(parts) || parts.length === 0) return LIST_RULE;
  if (parts.length > MOST_QUEUES) return `must be at most ${MOST_QUEUES} queues`;
  const served: ServedQueue[] = [];
  for (const part of parts) {
    const queue = typeof part === "string" ? queueIn(part) : servedQueue(part?.name, part?.slots);
    if (typeof queue === "string") return queue;
    if (served.some(({ name }) => name === queue.name)) {
      return `must name each queue once; ${queue.name} stands there twice`;
    }
    served.push(queue);
  }
  return served;
}

function queueIn(text: string): ServedQueue | string {
  const [name, slots, ...more] = text.split(":");
  if (more.length > 0) return LIST_RULE;
  if (slots === undefined) return servedQueue(name, undefined);
  return servedQueue(name, /^-?\d+$/.test(slots) ? Number(slots) : slots);
}

function servedQueue(name: unknown, slots: unknown): ServedQueue | string {
  if (typeof name !== "string" || !QUEUE_NAME.test(name)) {
    return `${LIST_RULE}; the name ${JSON.stringify(name) ?? "undefined"} ${QUEUE_RULE}`;
  }
  if (slots === undefined) return { name };
  const isOk = typeof slots === "number" && Number.isInteger(slots) && slots >= 1 && slots <= MOST_SLOTS;
  return isOk
    ? { name, slots }
    : `must give a queue 1 to ${MOST_SLOTS} slots, or leave them out; ${name} gets ${JSON.stringify(slots)}`;
}

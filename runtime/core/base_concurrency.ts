// What a definition says of how many tasks run at once: of its own, and of its queue. A call may say another
// number later (queues/concurrency.ts).

import { type ConcurrencyOption, type Keyed, LARGEST_LIMIT, type OneOrMore } from "./limit_options.ts";
import { QUEUE_NAME, QUEUE_RULE } from "./queue.ts";

/** At most so many tasks of the definition run at once, in all processes. */
export interface OwnConcurrency {
  /** 0 to 10,000; 0 holds all. */
  limit: number;
  key?: undefined;
}

/** At most so many tasks of the queue run at once, in all processes. */
export interface QueueWithConcurrency {
  name: string;
  /** 0 to 10,000; 0 holds all. */
  concurrency: number;
}

export type DefinedConcurrency<Input> = OneOrMore<OwnConcurrency | Keyed<ConcurrencyOption, Input>>;

export interface Bases {
  own?: number;
  queue?: number;
}

interface Said<Input> {
  bases: Bases | undefined;
  queue: string | undefined;
  /** What follows from the input. */
  concurrency: OneOrMore<Keyed<ConcurrencyOption, Input>> | undefined;
}

/** What a definition says, taken apart; or what is wrong with it. */
export function basesIn<Input>(
  concurrency: DefinedConcurrency<Input> | undefined,
  queue: string | QueueWithConcurrency | undefined,
): Said<Input> | string {
  const all = concurrency === undefined ? [] : Array.isArray(concurrency) ? concurrency : [concurrency];
  const own = all.filter((one) => one.key === undefined);
  const keyed = all.filter((one): one is Keyed<ConcurrencyOption, Input> => one.key !== undefined);
  if (own.length > 1) return "concurrency may have one limit without a key: that of the definition";
  const named = typeof queue === "object" ? queue.name : queue;
  if (named !== undefined && !QUEUE_NAME.test(named)) {
    return `queue ${QUEUE_RULE}; it is ${JSON.stringify(named)}`;
  }
  const bases: Bases = {};
  if (own.length === 1) bases.own = own[0].limit;
  if (typeof queue === "object") bases.queue = queue.concurrency;
  for (const [what, most] of Object.entries(bases)) {
    if (Number.isInteger(most) && most >= 0 && most <= LARGEST_LIMIT) continue;
    const place = what === "own" ? "concurrency without a key" : "the concurrency of its queue";
    return `${place} must be 0 to ${LARGEST_LIMIT} at once; it is ${JSON.stringify(most)}`;
  }
  return {
    bases: own.length === 0 && bases.queue === undefined ? undefined : bases,
    queue: named,
    concurrency: Array.isArray(concurrency) ? (keyed.length > 0 ? keyed : undefined) : keyed[0],
  };
}

// Every change of a task's state, in all processes, as it happens.

import { parseEvent } from "../protocol/response.ts";
import type { State, StateType } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import { eventStream } from "../transport/event_stream.ts";

/** All of it must be true of a transition. */
export interface EventFilter {
  /** The task came into one of these. */
  state?: StateType | readonly StateType[];
  /** The name of a definition. */
  task?: string;
  queue?: string;
  groupId?: string;
  tag?: string;
}

export interface EventsOptions extends EventFilter {
  /** Go on behind the event with this `place`. Default: from now on. */
  after?: string;
  signal?: AbortSignal;
}

/** A task is in this state now. */
export interface Transition {
  id: string;
  /** The name of its definition. */
  task: string;
  queue: string;
  state: State;
  attempt: number;
  /** It rises with each state of a task. */
  seq: number;
  groupId: string | null;
  parentId: string | null;
  tags: string[];
}

/** `gap`: transitions may be missing here, as lists and counts would show. */
export type ServiceEvent =
  & { place: string }
  & ({ event: "state"; data: Transition } | { event: "gap"; data: { message: string } });

export async function* eventsOf(
  { http }: Connection,
  { signal, ...filter }: EventsOptions,
): AsyncGenerator<ServiceEvent> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== undefined) query.set(name, String(value));
  }
  const path = `/v1/events${query.size === 0 ? "" : `?${query}`}`;
  for await (const { id, event, data } of eventStream(http, { method: "GET", path, signal })) {
    // Others only say from where to go on.
    if (event !== "state" && event !== "gap") continue;
    yield { event, place: id!, data: parseEvent(data, path) };
  }
}

// The workers of all processes, and what each of them runs.

import type { SignalOptions } from "../canvas/options.ts";
import type { Expected, State } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";

export interface RunningTask {
  id: string;
  task: string;
  queue: string;
  attempt: number;
  state: State;
}

export interface Worker {
  id: string;
  /** ISO 8601. */
  startedAt: string;
  /** When it sent its last heartbeat, by its own clock; null for a worker of an earlier release. */
  lastSeenAt: string | null;
  release: string | null;
  /** Functions that it runs at once on its main thread. */
  concurrency: number;
  /** Those that it takes tasks from; null: all. */
  queues: string[] | null;
  running: number;
  /** At most 100 of them. */
  tasks: RunningTask[];
}

const WORKERS: Expected = {
  what: "the workers",
  is: (body) => Array.isArray((body as { workers?: unknown } | null)?.workers),
};

/** `errand.workers` */
export class Workers {
  constructor(private readonly connection: Connection) {}

  /** By their start. One that has died is among them for up to a lease. */
  async list({ signal }: SignalOptions = {}): Promise<Worker[]> {
    const call = { method: "GET", path: "/v1/workers", expects: WORKERS, signal } as const;
    return (await this.connection.http.call(call)).body.workers;
  }
}

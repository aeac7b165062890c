// What is compared: how each system is started, and how the load speaks to it. The task is the same: add two
// numbers, store the sum, read it back.

import type { Connection } from "../http_client.ts";
import type { Children } from "./children.ts";

export interface Running {
  url: URL;
  /** Its processes; their children count too. */
  pids: number[];
  end(): Promise<void>;
}

/** A system whose settings serve one or the other gets what serves the figure. */
export type Figure = "throughput" | "latency";

export interface System {
  name: string;
  /** Its versions, and what was chosen for it. */
  version: string;
  tuning: string;
  /** How long a result is kept, unless it is removed. */
  keeps: string;
  /** What its 202 means. */
  accepted: string;
  /** One POST; gives the id of the new task. */
  submit(connection: Connection, a: number): Promise<string>;
  /** Waits for a result. */
  resultOf(connection: Connection, id: string): Promise<number>;
  /** Waits until the results of all tasks that were ever submitted are stored. */
  untilStored(connection: Connection, ids: string[]): Promise<void>;
  /** What {@linkcode untilStored} left open: fails if a task has not completed. */
  requireAll?(connection: Connection, ids: string[]): Promise<void>;
  start(children: Children, figure: Figure): Promise<Running>;
  /** Queue and worker in one process: it has POST /in-process. */
  startInProcess?(children: Children): Promise<Running>;
}

const LOOK_MS = 5;
const HANGS_MS = 60_000;

/** The front of every peer (programs/front.js, programs/celery_front.py) has these three. */
export const peerApi: Pick<System, "submit" | "resultOf" | "untilStored"> = {
  async submit(connection, a) {
    const answer = await connection.send("POST", "/tasks", JSON.stringify({ a, b: 2 }));
    if (answer.status !== 202) throw new Error(`POST answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body).id;
  },
  async resultOf(connection, id) {
    const answer = await connection.send("GET", `/tasks/${id}/result`);
    if (answer.status !== 200) throw new Error(`the result answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body).result;
  },
  async untilStored(connection, ids) {
    for (let before = -1, since = performance.now();;) {
      const { stored } = JSON.parse((await connection.send("GET", "/stored")).body);
      if (stored === ids.length) return;
      if (stored !== before) [before, since] = [stored, performance.now()];
      if (stored > ids.length || performance.now() - since > HANGS_MS) {
        throw new Error(`${stored} results of ${ids.length} tasks are stored`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  },
};

/** Several processes as one system, that are ended from the first to the last. */
export function runningOf(
  url: URL,
  processes: { pid: number; end(): Promise<void> }[],
): Running {
  return {
    url,
    pids: processes.map(({ pid }) => pid),
    end: async () => {
      for (const process of processes) await process.end();
    },
  };
}

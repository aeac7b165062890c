// `errand top`: what waits and runs, looked at again and again.

import type { Client, Percentiles, Queue, Stats, Worker } from "../../client/mod.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { TopGiven } from "../given.ts";
import { bold, dim } from "../output/colors.ts";
import { tableOf } from "../output/table.ts";
import { cut, visible } from "../output/terminal_text.ts";
import { ago, instant, span } from "../output/times.ts";
import type { Session } from "../session.ts";
import { openView } from "../terminal.ts";
import { queueColumns } from "./queues.ts";
import { runningColumns, workerColumns } from "./workers.ts";

interface Look {
  stats: Stats;
  queues: Queue[];
  workers: Worker[];
}

export async function top(
  session: Session,
  { every, minutes, frames = Infinity }: TopGiven,
): Promise<ExitCode> {
  const client = await session.client();
  // A service that is not there is told, and no view is opened.
  let last = await look(client, minutes);
  let fault: string | null = null;
  const view = openView(session.io);
  try {
    for (let n = 1;; n++) {
      if (session.isJson) session.jsonLine(last);
      else view.show(frameOf(session, last, fault));
      if (n >= frames) return EXIT.done;
      await pause(every, view.over);
      if (view.over.aborted) return EXIT.done;
      [last, fault] = await look(client, minutes, view.over).then(
        (next) => [next, null] as const,
        (error) => {
          return [last, error instanceof Error ? error.message : String(error)] as const;
        },
      );
      if (view.over.aborted) return EXIT.done;
    }
  } finally {
    view.close();
  }
}

async function look(client: Client, minutes: number, signal?: AbortSignal): Promise<Look> {
  const [stats, queues, workers] = await Promise.all([
    client.stats({ minutes, signal }),
    client.queues.list({ signal }),
    client.workers.list({ signal }),
  ]);
  return { stats, queues, workers };
}

function frameOf({ io, target }: Session, { stats, queues, workers }: Look, fault: string | null): string {
  const now = io.now();
  const width = io.columns();
  const { happened, minutes } = stats;
  const ended = Object.entries(happened.ended).filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const { ready, running, scheduled, limited, waiting, oldestReadyAt } = stats.now;
  const tasks = workers.flatMap((worker) => worker.tasks);
  const line = (text: string) => cut(text, width ?? Infinity);
  const lines = [
    bold(line(`errand top  ${visible(target?.url ?? "")}  ${instant(stats.at)} UTC`), io.colors),
    ...fault === null ? [] : [line(`no answer since then, it is asked again: ${visible(fault)}`)],
    line(
      `${ready} ready · ${running} running · ${scheduled} scheduled · ${limited} limited · ${waiting} waiting` +
        (oldestReadyAt === null ? "" : ` · oldest ready ${ago(oldestReadyAt, now)}`),
    ),
    line(`in ${minutes} min: ${happened.submitted} submitted${ended.map((each) => ` · ${each}`).join("")}`),
    dim(line(`wait ${timesOf(happened.wait)}   run ${timesOf(happened.run)}`), io.colors),
  ];
  const tables = [
    tableOf(queueColumns(now), queues, width),
    workers.length === 0
      ? "no workers: tasks wait until one starts\n"
      : tableOf(workerColumns(now), workers, width),
    ...tasks.length === 0 ? [] : [tableOf(runningColumns(now), tasks, width)],
  ];
  return `${lines.join("\n")}\n\n${tables.join("\n")}`;
}

function timesOf({ p50, p99, count }: Percentiles): string {
  if (count === 0 || p50 === null || p99 === null) return "–";
  return `${span(p50)} (50 %), ${span(p99)} (99 %)`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

// The figures at the top of the overview.

import type { ComponentChildren } from "preact";
import { ago, count, counted, duration } from "../data/format.ts";
import { now } from "../data/live.ts";
import type { QueueList, Stats, WorkerList } from "../data/answers.ts";
import { MINUTES } from "../data/stats.ts";
import { Ago } from "../ui/basics.tsx";

interface FiguresProps {
  queues: QueueList | null;
  stats: Stats | null;
  workers: WorkerList | null;
}

type Way = keyof QueueList["queues"][0]["counts"];

export function Figures({ queues, stats, workers }: FiguresProps) {
  return (
    <div class="grid kpis">
      {queues?.paused && (
        <div class="panel kpi paused-all" role="status">
          <span class="state paused">Everything is paused</span>
          <em>
            <bdi>{queues.paused.note ?? "without a note"}</bdi>, <Ago at={queues.paused.since} />
          </em>
        </div>
      )}
      <Now queues={queues} workers={workers} />
      <Happened stats={stats} />
    </div>
  );
}

function Now({ queues, workers }: Pick<FiguresProps, "queues" | "workers">) {
  const all = queues?.queues ?? [];
  const sum = (...ways: Way[]) =>
    ways.reduce(
      (total, way) => total + all.reduce((part, { counts }) => part + counts[way], 0),
      0,
    );
  const shown = (...ways: Way[]) => queues === null ? null : count(sum(...ways));
  const oldest = all.filter(({ oldestReadyAt }) => oldestReadyAt !== null)
    .sort((a, b) => a.oldestReadyAt! < b.oldestReadyAt! ? -1 : 1)[0];
  const slots = workers?.workers.reduce(
    (total, { concurrency }) => total + concurrency,
    0,
  );
  const waited = oldest &&
    ago(Date.parse(oldest.oldestReadyAt!), now.value).replace(" ago", "");
  return (
    <>
      <Figure
        title="Waiting"
        value={shown("ready", "limited")}
        note={oldest
          ? (
            <>
              oldest {waited}, <bdi>{oldest.name}</bdi>
            </>
          )
          : "for a worker"}
      />
      <Figure
        title="Running"
        value={shown("running")}
        of={slots ? `/ ${count(slots)}` : undefined}
        note={workers === null
          ? ""
          : workers.workers.length === 0
          ? <b class="warn">no worker is there</b>
          : counted(workers.workers.length, "worker")}
      />
      <Figure
        title="Later"
        value={shown("scheduled", "waiting")}
        note={queues === null ? "" : `${count(sum("waiting"))} for other tasks`}
      />
    </>
  );
}

function Happened({ stats }: Pick<FiguresProps, "stats">) {
  const { wait, run } = stats?.happened ?? {};
  const ended: Record<string, number> = stats?.happened.ended ?? {};
  const total = Object.values(ended).reduce((sum, value) => sum + value, 0);
  const failed = (ended.FAILED ?? 0) + (ended.CRASHED ?? 0);
  const share = total === 0 ? 0 : failed / total;
  const shown = (text: string) => stats === null ? null : text;
  return (
    <>
      <Figure
        title={`Ended, ${MINUTES} min`}
        value={shown(count(total))}
        note={shown(
          `${(total / (MINUTES * 60)).toFixed(total < 900 ? 2 : 0)} per second`,
        )}
      />
      <Figure
        title={`Failed, ${MINUTES} min`}
        value={shown(count(failed))}
        isBad={failed > 0}
        note={shown(
          `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 0)} % of ends`,
        )}
      />
      <Figure title="Wait, p50" value={shown(shortMs(wait?.p50))} note={shown(`p99 ${shortMs(wait?.p99)}`)} />
      <Figure title="Run, p50" value={shown(shortMs(run?.p50))} note={shown(`p99 ${shortMs(run?.p99)}`)} />
    </>
  );
}

function shortMs(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : duration(ms);
}

interface FigureProps {
  title: string;
  /** Null: it is not known yet. */
  value: string | null;
  of?: string;
  note: ComponentChildren;
  isBad?: boolean;
}

function Figure({ title, value, of, note, isBad }: FigureProps) {
  return (
    <div class="panel kpi">
      <span>{title}</span>
      <b class={isBad ? "bad" : ""}>
        {value ?? <i class="dim">–</i>} {of && <small>{of}</small>}
      </b>
      <em>{note}</em>
    </div>
  );
}

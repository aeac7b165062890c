// How the service does: what waits and why, what runs, what failed, how fast it goes.

import { queryOf } from "../data/api.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import type { QueueList, Stats, TaskList, WorkerList } from "../data/answers.ts";
import { MINUTES } from "../data/stats.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Panel, Shown } from "../ui/basics.tsx";
import { Failures } from "./failures.tsx";
import { Figures } from "./figures.tsx";
import { QueueTable } from "./queue_table.tsx";
import { Throughput } from "./throughput.tsx";
import { Waiting } from "./waiting.tsx";

export function Overview() {
  const queues = useLoad<QueueList>("/v1/queues", { everyMs: 1_500 });
  const stats = useLoad<Stats>(`/v1/stats?minutes=${MINUTES}`, {
    everyMs: 2_500,
  });
  const workers = useLoad<WorkerList>("/v1/workers", { everyMs: 2_500 });
  const any = useLoad<TaskList>(`/v1/tasks${queryOf({ limit: 1 })}`, {
    everyMs: 5_000,
  });
  const isNew = any.value !== null && any.value.tasks.length === 0;
  return (
    <>
      <Bar title="Overview" />
      {isNew && <FirstSteps />}
      <Figures
        queues={queues.value}
        stats={stats.value}
        workers={workers.value}
      />
      <div class="grid two">
        <Throughput stats={stats} />
        <Waiting />
      </div>
      <div class="grid two">
        <Failures />
        <Panel
          title="Queues"
          aside={<a class="link" href={hrefOf("queues")}>All</a>}
        >
          <Shown loaded={queues} lines={3}>
            {({ queues }) => <QueueTable queues={queues} isShort />}
          </Shown>
        </Panel>
      </div>
    </>
  );
}

function FirstSteps() {
  return (
    <Panel title="Nothing was submitted yet" class="first">
      <Empty title="Submit a first task">
        Choose one of the <a class="link" href={hrefOf("definitions")}>definitions</a>{" "}
        and fill in its form, or POST to <code>/v1/tasks</code>. It is shown here at once.
      </Empty>
    </Panel>
  );
}

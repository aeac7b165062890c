// Workers: what each of them runs.

import { count, shortId } from "../data/format.ts";
import { now } from "../data/live.ts";
import { useLoad } from "../data/load.ts";
import type { Worker, WorkerList } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Empty, Meter, Panel, Shown, StateMark, TaskLink } from "../ui/basics.tsx";

/** Without a heartbeat for so long, something is wrong with it. */
const SILENT_MS = 15_000;

export function Workers() {
  const loaded = useLoad<WorkerList>("/v1/workers", { everyMs: 1_500 });
  return (
    <>
      <Bar title="Workers" />
      <Shown loaded={loaded} lines={8}>
        {({ workers }) =>
          workers.length === 0
            ? (
              <Panel title="Workers">
                <Empty title="No worker is there">
                  Tasks are taken and wait. Start a process whose <code>ROLE</code> is <code>all</code> or
                  {" "}
                  <code>worker</code>.
                </Empty>
              </Panel>
            )
            : workers.map((worker) => <One key={worker.id} worker={worker} />)}
      </Shown>
    </>
  );
}

function One({ worker }: { worker: Worker }) {
  const {
    id,
    startedAt,
    lastSeenAt,
    release,
    concurrency,
    queues,
    running,
    tasks,
  } = worker;
  const isSilent = lastSeenAt !== null &&
    now.value - Date.parse(lastSeenAt) > SILENT_MS;
  return (
    <Panel
      title={<span class="mono" title={id}>{shortId(id)}</span>}
      aside={
        <>
          {isSilent && <span class="state crashed">silent</span>} release {release ?? "before 0.3"} · started
          {" "}
          <Ago at={startedAt} /> · seen <Ago at={lastSeenAt} />
        </>
      }
    >
      <div class="worker">
        <span>{count(running)} of {count(concurrency)} slots</span>
        <Meter
          share={running / Math.max(1, concurrency)}
          label="Slots in use"
        />
        <span class="dim">
          {queues === null ? "all queues" : <bdi>{queues.join(", ")}</bdi>}
        </span>
      </div>
      {tasks.length === 0 ? <p class="dim">It runs nothing.</p> : (
        <table>
          <tbody>
            {tasks.map((task) => (
              <tr key={task.id}>
                <td>
                  <StateMark
                    state={task.state}
                    extra={task.attempt > 1 ? ` · attempt ${task.attempt}` : ""}
                  />
                </td>
                <td>
                  <TaskLink id={task.id} name={task.task} />
                </td>
                <td class="dim">
                  <bdi>{task.queue}</bdi>
                </td>
                <td class="dim num">
                  since <Ago at={task.state.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

// Why a task does not run, in a sentence, with what would make it run.

import { ago, count } from "../data/format.ts";
import { now } from "../data/live.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import type { Queue, Task, WorkerList } from "../data/answers.ts";
import { Ago, StateMark, TaskLink } from "../ui/basics.tsx";

/** Of those that it waits for. */
const MOST_SHOWN = 20;

export function Why({ task }: { task: Task }) {
  const { state, done, waitFor } = task;
  if (done || ["RUNNING", "CANCELLING"].includes(state.type)) return null;
  return (
    <div class="why" role="status">
      <b>Why it waits</b>
      <div>
        <Reason task={task} />
        {state.name === "AwaitingDependencies" && (
          <ul>
            {(waitFor ?? []).slice(0, MOST_SHOWN).map((id) => <Upstream key={id} id={id} />)}
            {(waitFor ?? []).length > MOST_SHOWN && <li>and {count(waitFor!.length - MOST_SHOWN)} more</li>}
          </ul>
        )}
      </div>
    </div>
  );
}

function Reason({ task }: { task: Task }) {
  const { state, runAt } = task;
  // The service says it itself: a pause, a limit.
  if (state.message && state.name !== "AwaitingRetry") {
    const isLimit = /^Awaiting(ConcurrencySlot|RateLimit)$/.test(state.name);
    return (
      <>
        <bdi>{state.message}</bdi> {isLimit && <a class="link" href={hrefOf("limits")}>Limits</a>}
      </>
    );
  }
  switch (state.name) {
    case "Pending":
      return <InQueue task={task} />;
    case "Scheduled":
      return <>Its time has not come: it runs {ago(Date.parse(runAt), now.value)}.</>;
    case "Late":
      return (
        <>
          Its time has come <Ago at={runAt} />. It waits for a worker.
        </>
      );
    case "AwaitingRetry":
      return (
        <>
          The last attempt failed. The next one begins {ago(Date.parse(runAt), now.value)}.
        </>
      );
    case "AwaitingDependencies":
      return (
        <>
          It waits for other tasks, among them those that it takes results from.
        </>
      );
    case "AwaitingCompletion":
      return <>It waits for a completion from outside.</>;
    case "AwaitingSignal":
      return <>It waits for a signal.</>;
    default:
      return (
        <>
          Since <Ago at={state.at} />.
        </>
      );
  }
}

function InQueue({ task }: { task: Task }) {
  const { value: queue } = useLoad<Queue>(`/v1/queues/${task.queue}`, {
    everyMs: 2_000,
  });
  const { value: seen } = useLoad<WorkerList>("/v1/workers", {
    everyMs: 2_000,
  });
  const takers = seen?.workers.filter(({ queues }) => queues === null || queues.includes(task.queue));
  return (
    <>
      It stands in the queue{" "}
      <a class="link" href={hrefOf("queues")}>
        <bdi>{task.queue}</bdi>
      </a>
      {queue && (
        <>
          , where {count(queue.counts.ready)} are ready and {count(queue.counts.running)} run
        </>
      )}
      {takers && (takers.length === 0
        ? (
          <>
            .{" "}
            <b class="warn">No worker takes tasks of this queue</b>: start one, or look at QUEUES of those
            there are
          </>
        )
        : (
          <>
            ; {count(
              takers.reduce((sum, { concurrency }) => sum + concurrency, 0),
            )} slots take from it
          </>
        ))}.
    </>
  );
}

function Upstream({ id }: { id: string }) {
  const { value, error } = useLoad<Task>(`/v1/tasks/${id}`, { everyMs: 4_000 });
  if (value === null) {
    return (
      <li>
        <TaskLink id={id} /> {error && <span class="dim">{error.message}</span>}
      </li>
    );
  }
  if (value.done) return null;
  return (
    <li>
      <TaskLink id={id} name={value.node ?? value.task} /> <StateMark state={value.state} />
    </li>
  );
}

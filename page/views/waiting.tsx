// Why tasks wait: gathered by what holds them up.

import { queryOf } from "../data/api.ts";
import { count } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import type { TaskList, TaskSummary } from "../data/answers.ts";
import { Ago, Empty, Panel, Shown, TaskLink, wordsOf } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";

const LOOKED_AT = 200;
const REASONS = 6;

export function Waiting() {
  const query = queryOf({
    state: "PENDING,PAUSED",
    limit: LOOKED_AT,
    count: "true",
  });
  const loaded = useLoad<TaskList>(`/v1/tasks${query}`, { everyMs: 2_000 });
  const total = loaded.value?.count;
  return (
    <Panel
      title="Why tasks wait"
      aside={
        <a class="link" href={`${hrefOf("tasks")}?state=PENDING,PAUSED`}>
          {total ? `${count(total.value)}${total.exact ? "" : "+"} in all` : "All"}
        </a>
      }
    >
      <Shown loaded={loaded} lines={4}>
        {({ tasks }) => <Reasons tasks={tasks} />}
      </Shown>
    </Panel>
  );
}

function Reasons({ tasks }: { tasks: TaskSummary[] }) {
  if (tasks.length === 0) {
    return (
      <Empty title="Nothing waits">
        Each task that was submitted runs, has ended, or has its time.
      </Empty>
    );
  }
  const groups = [...Map.groupBy(tasks, reasonOf)].sort(([, a], [, b]) => b.length - a.length);
  return (
    <table>
      <Head of={["For what", "Longest", numbers("Tasks")]} />
      <tbody>
        {groups.slice(0, REASONS).map(([reason, group]) => (
          <tr key={reason}>
            <td class="reason">
              <bdi>{reason}</bdi>
            </td>
            <td class="nowrap dim">
              <TaskLink id={group.at(-1)!.id} name={group.at(-1)!.task} /> <Ago at={group.at(-1)!.state.at} />
            </td>
            <td class="num">{count(group.length)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The same for all that wait for the same. */
export function reasonOf(
  { state, queue }: Pick<TaskSummary, "state" | "queue">,
): string {
  if (state.message) return state.message;
  switch (state.name) {
    case "Pending":
      return `a free worker of the queue ${queue}`;
    case "AwaitingDependencies":
      return "other tasks that have not ended";
    case "AwaitingCompletion":
      return "a completion from outside";
    default:
      return wordsOf(state.name);
  }
}

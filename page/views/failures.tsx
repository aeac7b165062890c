// What failed, gathered by definition and error.

import { retryAll } from "../data/actions.ts";
import { queryOf } from "../data/api.ts";
import { count, counted } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import { may } from "../data/session.ts";
import type { TaskList, TaskSummary } from "../data/answers.ts";
import { Ago, Empty, Panel, Shown } from "../ui/basics.tsx";
import { AskingButton } from "../ui/dialog.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { act } from "../ui/notices.tsx";

const LOOKED_AT = 300;
const SHOWN = 6;
const DAY_MS = 24 * 60 * 60 * 1000;

/** By the minute, so that the path stays the same for a while. */
const dayAgo = () => new Date(Math.floor(Date.now() / 60_000) * 60_000 - DAY_MS).toISOString();

export function Failures() {
  const query = queryOf({
    state: "FAILED,CRASHED",
    limit: LOOKED_AT,
    createdAfter: dayAgo(),
  });
  const loaded = useLoad<TaskList>(`/v1/tasks${query}`, { everyMs: 2_500 });
  const isPart = typeof loaded.value?.nextCursor === "string";
  return (
    <Panel
      title="Failures, grouped"
      aside={isPart ? `the last ${count(loaded.value!.tasks.length)}` : "24 h"}
    >
      <Shown loaded={loaded} lines={4}>
        {({ tasks }) => <Groups tasks={tasks} />}
      </Shown>
    </Panel>
  );
}

function Groups({ tasks }: { tasks: TaskSummary[] }) {
  if (tasks.length === 0) {
    return (
      <Empty title="Nothing failed">
        No task has failed or crashed in 24 hours.
      </Empty>
    );
  }
  const groups = [...Map.groupBy(tasks, kindOf)].sort(([, a], [, b]) => b.length - a.length);
  return (
    <table>
      <Head of={["Definition and error", "Last", numbers("Tasks")]} hasActions />
      <tbody>
        {groups.slice(0, SHOWN).map(([kind, group]) => <Row key={kind} group={group} />)}
      </tbody>
    </table>
  );
}

function Row({ group }: { group: TaskSummary[] }) {
  const [{ task, error, state, finishedAt }] = group;
  const text = [error?.name, error?.message].filter(Boolean).join(": ");
  return (
    <tr>
      <td class="clip wide">
        <span class={`state ${state.type.toLowerCase()}`}>
          <a
            class="link"
            href={`${hrefOf("tasks")}${queryOf({ state: "FAILED,CRASHED", task })}`}
          >
            {task}
          </a>
        </span>{" "}
        <bdi class="dim" title={text}>{text}</bdi>
      </td>
      <td class="dim nowrap">
        <Ago at={finishedAt} />
      </td>
      <td class="num">{count(group.length)}</td>
      <td class="num">
        {may("submit") && (
          <AskingButton
            label={`Retry ${count(group.length)}`}
            title={`Retry ${counted(group.length, "task")} of ${task}?`}
            verb="Retry"
            onDone={() => act(() => retryAll(group.map(({ id }) => id)))}
          >
            <p>They run again under their ids, with the same input.</p>
          </AskingButton>
        )}
      </td>
    </tr>
  );
}

/** Numbers and ids in a message do not make it another one. */
function kindOf({ task, error }: TaskSummary): string {
  const message = (error?.message ?? "").replaceAll(
    /[\da-f]{8}-[\da-f-]{27}|\d+/gi,
    "#",
  );
  return `${task}\n${error?.name ?? ""}\n${message}`;
}

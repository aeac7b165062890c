// What belongs to a task: who has submitted it, its group, what it waits for and who waits for it, and what
// it has submitted.

import { count } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import type { Dependents, GroupInfo, Task, TaskList, TaskSummary } from "../data/answers.ts";
import { Ago, Meter, Panel, StateMark, TaskLink } from "../ui/basics.tsx";

const SHOWN = 50;

export function Family({ task }: { task: Task }) {
  const { id, parentId, groupId, waitFor } = task;
  const children = useLoad<TaskList>(
    `/v1/tasks?parentId=${id}&limit=${SHOWN}&count=true`,
    { everyMs: 2_000 },
  );
  const dependents = useLoad<Dependents>(`/v1/tasks/${id}/dependents`, { everyMs: 3_000 });
  const [kids, later] = [children.value, dependents.value];
  const isAlone = !parentId && !groupId && !waitFor?.length;
  if (isAlone && !kids?.tasks.length && !later?.tasks.length) return null;
  return (
    <div class="grid three">
      <Panel
        title="Tasks that it has submitted"
        aside={kids?.count && kids.tasks.length > 0
          ? (
            <a class="link" href={`${hrefOf("tasks")}?parentId=${id}`}>
              {count(kids.count.value)} in all
            </a>
          )
          : undefined}
      >
        {kids && kids.tasks.length > 0 ? <Some tasks={kids.tasks} /> : <p class="dim">None.</p>}
      </Panel>
      <Panel title="Belongs to">
        <dl class="facts">
          {parentId && <One title="Submitted by" id={parentId} />}
          {groupId && <InGroup id={groupId} />}
          {(waitFor ?? []).slice(0, SHOWN).map((each) => <One key={each} title="Waits for" id={each} />)}
          {isAlone && <p class="dim">No other task.</p>}
        </dl>
      </Panel>
      <Panel title="Tasks that wait for it" aside={later?.more ? "some of them" : undefined}>
        {later && later.tasks.length > 0
          ? <Some tasks={later.tasks.slice(0, SHOWN)} />
          : <p class="dim">None.</p>}
      </Panel>
    </div>
  );
}

function Some({ tasks }: { tasks: TaskSummary[] }) {
  return (
    <table>
      <tbody>
        {tasks.map((task) => (
          <tr key={task.id}>
            <td>
              <StateMark state={task.state} />
            </td>
            <td>
              <TaskLink id={task.id} name={task.node ?? task.task} />
            </td>
            <td class="dim num">
              <Ago at={task.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function One({ title, id }: { title: string; id: string }) {
  const { value } = useLoad<Task>(`/v1/tasks/${id}`, { everyMs: 5_000 });
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <TaskLink id={id} name={value?.node ?? value?.task} /> {value && <StateMark state={value.state} />}
      </dd>
    </div>
  );
}

function InGroup({ id }: { id: string }) {
  const { value } = useLoad<GroupInfo>(`/v1/groups/${id}?graph=false`, {
    everyMs: 3_000,
  });
  return (
    <div>
      <dt>Group</dt>
      <dd>
        <a class="link" href={hrefOf("groups", id)}>
          {value ? `${count(value.done)} of ${count(value.total)} have ended` : id}
        </a>
        {value && (
          <Meter
            share={value.done / Math.max(1, value.total)}
            label="Of the group have ended"
          />
        )}
      </dd>
    </div>
  );
}

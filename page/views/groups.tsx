// Groups and flows. The service keeps no list of them: these are those of the newest tasks.

import { count, shortId } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { go, hrefOf } from "../data/route.ts";
import type { Group, TaskList } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Empty, Meter, Panel, Shown } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";

const LOOKED_AT = 500;
const SHOWN = 25;

export function Groups() {
  const loaded = useLoad<TaskList>(`/v1/tasks?limit=${LOOKED_AT}`, {
    everyMs: 4_000,
  });
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    const id = String(
      new FormData(event.currentTarget as HTMLFormElement).get("id"),
    ).trim();
    if (id !== "") go(hrefOf("groups", id));
  };
  return (
    <>
      <Bar title="Groups and flows">
        <form class="inline" onSubmit={open}>
          <input
            name="id"
            aria-label="Id of a group"
            placeholder="Id of a group"
            spellcheck={false}
            autoComplete="off"
          />
          <button type="submit">Open</button>
        </form>
      </Bar>
      <Panel title="Newest" aside={`of the last ${LOOKED_AT} tasks`}>
        <Shown loaded={loaded} lines={6}>
          {({ tasks }) => {
            const ids = [
              ...new Set(tasks.flatMap(({ groupId }) => groupId ?? [])),
            ];
            return ids.length === 0
              ? (
                <Empty title="No groups">
                  A batch, a map or a flow makes one: <code>POST /v1/flows</code>.
                </Empty>
              )
              : <List ids={ids.slice(0, SHOWN)} tasks={tasks} />;
          }}
        </Shown>
      </Panel>
    </>
  );
}

function List({ ids, tasks }: { ids: string[]; tasks: TaskList["tasks"] }) {
  return (
    <table>
      <Head of={["Group", "Definitions", { title: "Ended", cells: 2 }, numbers("Failed"), "Made"]} />
      <tbody>
        {ids.map((id) => (
          <Row
            key={id}
            id={id}
            names={[
              ...new Set(
                tasks.filter((task) => task.groupId === id).map(({ task }) => task),
              ),
            ]}
          />
        ))}
      </tbody>
    </table>
  );
}

function Row({ id, names }: { id: string; names: string[] }) {
  const { value } = useLoad<Group>(`/v1/groups/${id}?graph=false`, {
    everyMs: 3_000,
  });
  const failed = value === null ? 0 : (value.counts.FAILED ?? 0) + (value.counts.CRASHED ?? 0);
  return (
    <tr>
      <td class="mono nowrap">
        <a class="link" href={hrefOf("groups", id)} title={id}>{shortId(id)}</a>
      </td>
      <td class="clip wide">
        <bdi>{names.join(", ")}</bdi>
      </td>
      <td class="num nowrap">
        {value ? `${count(value.done)} of ${count(value.total)}` : "…"}
      </td>
      <td class="bar-cell">
        <Meter
          share={value ? value.done / Math.max(1, value.total) : 0}
          label="Ended"
        />
      </td>
      <td class={failed > 0 ? "num bad" : "num"}>{count(failed)}</td>
      <td class="dim nowrap">
        <Ago at={value?.createdAt} />
      </td>
    </tr>
  );
}

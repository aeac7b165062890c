// Groups and flows, newest first.

import { useState } from "preact/hooks";
import { get, queryOf } from "../data/api.ts";
import { count, shortId } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { go, hrefOf, route } from "../data/route.ts";
import { GROUP_STATES, type GroupList, type GroupSummary } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Empty, groupState, Meter, Panel, Shown, StateMark } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { act } from "../ui/notices.tsx";
import { StateFilter } from "../ui/state_filter.tsx";

const LIMIT = 50;

export function Groups() {
  const state = route.value.query.get("state") ?? "";
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
      <div class="filters" role="group" aria-label="Filters">
        <StateFilter all={GROUP_STATES} nameOf={(type) => groupState(type).name} chosen={state} />
      </div>
      <Newest key={state} state={state} />
    </>
  );
}

function Newest({ state }: { state: string }) {
  const pathOf = (cursor?: string) => `/v1/groups${queryOf({ limit: LIMIT, state, cursor })}`;
  const loaded = useLoad<GroupList>(pathOf(), { everyMs: 3_000 });
  const [older, setOlder] = useState<GroupList | null>(null);
  const more = (cursor: string) =>
    act(async () => {
      const { groups, nextCursor } = await get<GroupList>(pathOf(cursor));
      setOlder((before) => ({ groups: [...before?.groups ?? [], ...groups], nextCursor }));
    });
  return (
    <Panel title="Newest first">
      <Shown loaded={loaded} lines={6}>
        {(page) => {
          const seen = new Set(older?.groups.map(({ id }) => id));
          const shown = [...page.groups.filter(({ id }) => !seen.has(id)), ...older?.groups ?? []];
          const next = older === null ? page.nextCursor : older.nextCursor;
          return (
            <>
              {shown.length > 0
                ? <List groups={shown} />
                : <None isFiltered={state !== ""} isMore={next !== null} />}
              {next && <button type="button" onClick={() => more(next)}>Older</button>}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

function None({ isFiltered, isMore }: { isFiltered: boolean; isMore: boolean }) {
  if (isMore) return <Empty title="None among the newest">Older ones may be in this state.</Empty>;
  if (isFiltered) {
    return (
      <Empty title="No group is in this state">
        <a class="link" href={hrefOf("groups")}>Show all groups</a>
      </Empty>
    );
  }
  return (
    <Empty title="No groups">
      A map or a flow makes one: <code>POST /v1/flows</code>.
    </Empty>
  );
}

function List({ groups }: { groups: GroupSummary[] }) {
  return (
    <table>
      <Head
        of={["State", "Group", "Definitions", { title: "Ended", cells: 2 }, numbers("Failed"), "Made"]}
      />
      <tbody>
        {groups.map((group) => <Row key={group.id} group={group} />)}
      </tbody>
    </table>
  );
}

function Row({ group: { id, state, definitions, done, total, ended, createdAt } }: { group: GroupSummary }) {
  const failed = (ended.FAILED ?? 0) + (ended.CRASHED ?? 0);
  return (
    <tr>
      <td class="nowrap">
        <StateMark state={groupState(state)} />
      </td>
      <td class="mono nowrap">
        <a class="link" href={hrefOf("groups", id)} title={id}>{shortId(id)}</a>
      </td>
      <td class="clip wide">
        <bdi>{definitions.join(", ")}</bdi>
      </td>
      <td class="num nowrap">
        {count(done)} of {count(total)}
      </td>
      <td class="bar-cell">
        <Meter share={done / Math.max(1, total)} label="Ended" />
      </td>
      <td class={failed > 0 ? "num bad" : "num"}>{count(failed)}</td>
      <td class="dim nowrap">
        <Ago at={createdAt} />
      </td>
    </tr>
  );
}

// A group or flow: how far it is, and how its tasks hang together.

import { useState } from "preact/hooks";
import { post } from "../data/api.ts";
import { count, shortId } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import { may } from "../data/session.ts";
import { type GroupInfo, STATE_TYPES } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Fault, groupState, Meter, Panel, Skeleton, StateMark, TaskLink } from "../ui/basics.tsx";
import { Head } from "../ui/head.tsx";
import { CopyButton, JsonTree } from "../ui/json_tree.tsx";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";
import { Graph, MOST_LINES } from "./graph.tsx";

const LISTED = 200;

export function GroupView({ id }: { id: string }) {
  const loaded = useLoad<GroupInfo>(`/v1/groups/${id}`, { everyMs: 1_500 });
  const group = loaded.value;
  const [isList, setList] = useState(false);
  if (group === null) {
    return (
      <>
        <Bar title="Group" />
        {loaded.error ? <Fault error={loaded.error} retry={loaded.reload} /> : <Skeleton lines={8} />}
      </>
    );
  }
  const { nodes, edges, total, done } = group;
  const isDrawn = nodes !== null && edges !== null && edges.length > 0 && edges.length <= MOST_LINES;
  const isGraph = isDrawn && !isList;
  return (
    <>
      <Bar title={edges?.length ? "Flow" : "Group"}>
        <StateMark state={groupState(group.state)} />
        <span class="dim">{count(done)} of {count(total)} have ended</span>
        <span class="spacer" />
        {may("cancel") && done < total && <CancelGroup id={id} left={total - done} />}
      </Bar>
      <p class="ident">
        <span class="mono dim">{id}</span> <CopyButton value={id} />{" "}
        <span class="dim">
          made <Ago at={group.createdAt} />
        </span>{" "}
        <a class="link" href={`${hrefOf("tasks")}?groupId=${id}`}>
          Its tasks as a list
        </a>
      </p>
      <Counts group={group} />
      <Failures group={group} />
      {nodes === null
        ? (
          <Panel title="Graph">
            <p class="dim">
              With {count(total)} tasks it is too large to be drawn: above is how far they are, and{" "}
              <a class="link" href={`${hrefOf("tasks")}?groupId=${id}`}>
                the list
              </a>{" "}
              has each of them.
            </p>
          </Panel>
        )
        : (
          <Panel
            title="Graph"
            aside={isDrawn
              ? (
                <span class="tabs" role="group" aria-label="How it is shown">
                  <button
                    type="button"
                    aria-pressed={!isList}
                    onClick={() => setList(false)}
                  >
                    Drawing
                  </button>
                  <button
                    type="button"
                    aria-pressed={isList}
                    onClick={() => setList(true)}
                  >
                    List
                  </button>
                </span>
              )
              : undefined}
          >
            {isGraph ? <Graph nodes={nodes} edges={edges} /> : <Nodes group={group} />}
          </Panel>
        )}
    </>
  );
}

function Counts({ group: { counts, total } }: { group: GroupInfo }) {
  const shown = STATE_TYPES.filter((type) => counts[type]);
  return (
    <Panel title="How far it is">
      <div class="stack" aria-hidden="true">
        {shown.map((type) => (
          <i
            key={type}
            class={type.toLowerCase()}
            style={{ width: `${counts[type]! / Math.max(1, total) * 100}%` }}
          />
        ))}
      </div>
      <ul class="counts">
        {shown.map((type) => (
          <li key={type}>
            <span class={`state ${type.toLowerCase()}`}>
              {type[0] + type.slice(1).toLowerCase()}
            </span>{" "}
            {count(counts[type]!)}
            <Meter share={counts[type]! / Math.max(1, total)} label={type} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Failures({ group: { errors, policy } }: { group: GroupInfo }) {
  if (errors.length === 0 && policy === null) return null;
  return (
    <div class="grid two">
      <Panel title="Failures" aside={errors.length === 0 ? undefined : "the first ones"}>
        {errors.length === 0 ? <p class="dim">None.</p> : (
          <ul class="plain-list">
            {errors.map(({ id, task, name, error }, i) => (
              <li key={i}>
                {id === null ? <b>the group</b> : <TaskLink id={id} name={name ?? task} />}{" "}
                <bdi class="dim">{error.name}: {error.message}</bdi>
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Policy">
        {policy === null
          ? <p class="dim">None: it ends as its tasks do.</p>
          : <JsonTree value={policy} name="Policy" />}
      </Panel>
    </div>
  );
}

function Nodes({ group: { nodes } }: { group: GroupInfo }) {
  return (
    <table>
      <Head of={["State", "Name", "Definition", "Since"]} />
      <tbody>
        {nodes!.slice(0, LISTED).map(({ id, name, task, state }) => (
          <tr key={id}>
            <td>
              <StateMark state={state} />
            </td>
            <td>
              <TaskLink id={id} name={name ?? shortId(id)} />
            </td>
            <td>
              <bdi>{task}</bdi>
            </td>
            <td class="dim">
              <Ago at={state.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function CancelGroup({ id, left }: { id: string; left: number }) {
  const cancel = (values: FormData) =>
    act(async () => {
      const reason = String(values.get("reason") ?? "").trim();
      const told = await post<{ cancelled: number; requested: number }>(
        `/v1/groups/${id}/cancel`,
        reason ? { reason } : {},
      );
      return `${count(told.cancelled)} cancelled, ${count(told.requested)} asked to stop`;
    });
  return (
    <AskingButton
      label="Cancel…"
      title={`Cancel ${count(left)} tasks?`}
      verb="Cancel them"
      isDangerous
      onDone={cancel}
    >
      <p>What has ended stays as it is. What runs is asked to stop.</p>
      <Field label="Reason">
        <input name="reason" maxLength={500} autoComplete="off" />
      </Field>
    </AskingButton>
  );
}

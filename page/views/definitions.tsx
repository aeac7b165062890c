// Definitions: what can be submitted.

import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import { may } from "../data/session.ts";
import type { DefinitionInfo } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Panel, Shown } from "../ui/basics.tsx";
import { Head } from "../ui/head.tsx";
import { PauseButton, PausedMark } from "./pausing.tsx";

export function Definitions() {
  const loaded = useLoad<{ definitions: DefinitionInfo[] }>("/v1/definitions", {
    everyMs: 5_000,
  });
  return (
    <>
      <Bar title="Definitions" />
      <Panel title="What can be submitted">
        <Shown loaded={loaded} lines={8}>
          {({ definitions }) =>
            definitions.length === 0
              ? (
                <Empty title="No task is defined">
                  <code>deno task new -- my-app</code> writes a program with a first one;{" "}
                  <code>DEMO_TASKS=true</code> serves examples.
                </Empty>
              )
              : <Table definitions={definitions} />}
        </Shown>
      </Panel>
    </>
  );
}

function Table({ definitions }: { definitions: DefinitionInfo[] }) {
  return (
    <table>
      <Head of={["Name", "What it does", "Runs on"]} hasActions />
      <tbody>
        {definitions.map(({ name, description, runsOn, paused }) => (
          <tr key={name}>
            <td class="nowrap">
              <a class="link" href={hrefOf("definitions", name)}>
                <bdi>{name}</bdi>
              </a>{" "}
              <PausedMark paused={paused} />
            </td>
            <td class="clip wide dim">
              <bdi>{description ?? ""}</bdi>
            </td>
            <td class="dim nowrap">
              {runsOn === "thread" ? "a thread" : "the main thread"}
            </td>
            <td class="num nowrap">
              <a
                class="link"
                href={`${hrefOf("tasks")}?task=${encodeURIComponent(name)}`}
              >
                Tasks
              </a>{" "}
              {may("submit") && <a class="button" href={hrefOf("definitions", name)}>Submit…</a>}{" "}
              <PauseButton
                path={`/v1/definitions/${encodeURIComponent(name)}`}
                what={name}
                paused={paused}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

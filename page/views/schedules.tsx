// Schedules: when tasks are submitted.

import { count } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf, route } from "../data/route.ts";
import type { ScheduleList, ScheduleSummary } from "../data/answers.ts";
import { specText } from "../data/schedules.ts";
import { may } from "../data/session.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Empty, Panel, Shown } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { PausedMark } from "./pausing.tsx";
import { ScheduleActions } from "./schedule_actions.tsx";
import { NewSchedule } from "./schedule_form.tsx";

export function Schedules() {
  const task = route.value.query.get("new");
  return task === null ? <List /> : <NewSchedule task={task} />;
}

function List() {
  const loaded = useLoad<ScheduleList>("/v1/schedules?limit=100", {
    everyMs: 2_000,
  });
  return (
    <>
      <Bar title="Schedules">
        <span class="spacer" />
        {may("operate") && <a class="button" href={`${hrefOf("schedules")}?new`}>New schedule…</a>}
      </Bar>
      <Panel title="By name">
        <Shown loaded={loaded} lines={6}>
          {({ schedules, nextCursor }) =>
            schedules.length === 0
              ? (
                <Empty title="No schedules">
                  A definition declares them in its code (<code>
                    schedules
                  </code>), a call makes one (<code>PUT /v1/schedules/nightly</code>)
                  {may("operate") && ", or New schedule… does"}.
                </Empty>
              )
              : <Table schedules={schedules} isPart={nextCursor !== null} />}
        </Shown>
      </Panel>
    </>
  );
}

function Table(
  { schedules, isPart }: { schedules: ScheduleSummary[]; isPart: boolean },
) {
  return (
    <>
      <table>
        <Head
          of={["Name", "Submits", "When", "Next", "Last", numbers("Running"), numbers("Skipped")]}
          hasActions
        />
        <tbody>
          {schedules.map((schedule) => (
            <tr key={schedule.name}>
              <td class="nowrap">
                <a class="link" href={hrefOf("schedules", schedule.name)}>
                  {schedule.name}
                </a>{" "}
                <PausedMark paused={schedule.paused} />
                {schedule.fault && (
                  <span class="state failed" title={schedule.fault.message}>
                    fault
                  </span>
                )}
              </td>
              <td>
                <a class="link" href={hrefOf("definitions", schedule.task)}>
                  <bdi>{schedule.task}</bdi>
                </a>
              </td>
              <td class="mono clip wide">
                <bdi>{specText(schedule.spec)}</bdi>
              </td>
              <td class="nowrap">
                {schedule.nextFiresAt ? <Ago at={schedule.nextFiresAt} /> : <span class="dim">–</span>}
              </td>
              <td class="dim nowrap">
                {schedule.last
                  ? (
                    <a
                      class="link"
                      href={hrefOf("tasks", schedule.last.taskId)}
                    >
                      <Ago at={schedule.last.scheduledFor} />
                    </a>
                  )
                  : "never"}
              </td>
              <td class="num">{count(schedule.running.length)}</td>
              <td class="num">{count(schedule.skipped)}</td>
              <td class="num nowrap">
                <ScheduleActions schedule={schedule} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {isPart && <p class="dim foot">The first {schedules.length}.</p>}
    </>
  );
}

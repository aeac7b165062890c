// One schedule: its next times, and what became of the last ones.

import { count, duration } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf, route } from "../data/route.ts";
import type { Schedule } from "../data/answers.ts";
import { specText } from "../data/schedules.ts";
import { Bar } from "../ui/bar.tsx";
import { At, Fault, Panel, Skeleton, TaskLink } from "../ui/basics.tsx";
import { JsonTree } from "../ui/json_tree.tsx";
import { PausedMark } from "./pausing.tsx";
import { Times } from "./next_times.tsx";
import { ScheduleActions } from "./schedule_actions.tsx";
import { EditSchedule } from "./schedule_form.tsx";

export function ScheduleView({ id }: { id: string }) {
  return route.value.query.has("edit") ? <EditSchedule id={id} /> : <One id={id} />;
}

function One({ id }: { id: string }) {
  const loaded = useLoad<Schedule>(`/v1/schedules/${encodeURIComponent(id)}`, {
    everyMs: 1_500,
  });
  const schedule = loaded.value;
  return (
    <>
      <Bar title={<bdi>{id}</bdi>}>
        {schedule && (
          <>
            <PausedMark paused={schedule.paused} />
            <span class="spacer" />
            <ScheduleActions schedule={schedule} isOne />
          </>
        )}
      </Bar>
      {schedule === null
        ? loaded.error ? <Fault error={loaded.error} retry={loaded.reload} /> : <Skeleton lines={8} />
        : <Content schedule={schedule} />}
    </>
  );
}

function Content({ schedule }: { schedule: Schedule }) {
  const { next, paused, last, running, fault } = schedule;
  return (
    <>
      {fault && (
        <div class="why bad" role="status">
          <b>
            The time <At at={fault.scheduledFor} /> could not be fired
          </b>
          <div>
            <bdi>{fault.message}</bdi>
          </div>
        </div>
      )}
      <div class="grid two">
        <Panel
          title="Next times"
          aside={schedule.windowMs > 0 ? `each within ${duration(schedule.windowMs)}` : undefined}
        >
          {next.length === 0
            ? (
              <p class="dim">
                {paused
                  ? (
                    <>
                      None while it is paused{paused.note && (
                        <>
                          : <bdi>{paused.note}</bdi>
                        </>
                      )}.
                    </>
                  )
                  : "None: it is over."}
              </p>
            )
            : <Times times={next} />}
        </Panel>
        <Panel title="Facts">
          <dl class="facts">
            <div>
              <dt>Submits</dt>
              <dd>
                <a class="link" href={hrefOf("definitions", schedule.task)}>
                  <bdi>{schedule.task}</bdi>
                </a>
              </dd>
            </div>
            <div>
              <dt>When</dt>
              <dd class="mono">
                <bdi>{specText(schedule.spec)}</bdi>
              </dd>
            </div>
            {schedule.exclude.length > 0 && (
              <div>
                <dt>But not</dt>
                <dd class="mono">
                  <bdi>{specText(schedule.exclude)}</bdi>
                </dd>
              </div>
            )}
            <div>
              <dt>If the last one runs</dt>
              <dd>{schedule.overlap}</dd>
            </div>
            <div>
              <dt>Makes up for</dt>
              <dd>{duration(schedule.catchupMs)}</dd>
            </div>
            <div>
              <dt>Fired, skipped</dt>
              <dd>{count(schedule.fired)}, {count(schedule.skipped)}</dd>
            </div>
            {schedule.remaining !== null && (
              <div>
                <dt>Times left</dt>
                <dd>{count(schedule.remaining)}</dd>
              </div>
            )}
            <div>
              <dt>Last</dt>
              <dd>
                {last ? <TaskLink id={last.taskId} name={last.scheduledFor} /> : "none yet"}
              </dd>
            </div>
            <div>
              <dt>Said by</dt>
              <dd>
                {schedule.declaredBy
                  ? (
                    <>
                      the code of <bdi>{schedule.declaredBy}</bdi>
                    </>
                  )
                  : "a call"}
              </dd>
            </div>
            {schedule.note && (
              <div>
                <dt>Note</dt>
                <dd>
                  <bdi>{schedule.note}</bdi>
                </dd>
              </div>
            )}
          </dl>
        </Panel>
      </div>
      <div class="grid two">
        <Panel title="Input">
          <JsonTree value={schedule.input ?? {}} name="Input" />
        </Panel>
        <Panel title="Running" aside={count(running.length)}>
          {running.length === 0 ? <p class="dim">No task of it runs or waits.</p> : (
            <ul class="plain-list">
              {running.slice(0, 20).map((each) => (
                <li key={each}>
                  <TaskLink id={each} />
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </>
  );
}

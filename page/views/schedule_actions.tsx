// What can be done to a schedule.

import { call, post } from "../data/api.ts";
import { count, counted } from "../data/format.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import type { ScheduleSummary } from "../data/answers.ts";
import { isoOfLocal, ZONE } from "../data/schedule_draft.ts";
import { may } from "../data/session.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";
import { PauseButton } from "./pausing.tsx";

export function ScheduleActions(
  { schedule, isOne = false }: { schedule: ScheduleSummary; isOne?: boolean },
) {
  if (!may("operate")) return null;
  const { name, task, paused, declaredBy } = schedule;
  const path = `/v1/schedules/${encodeURIComponent(name)}`;
  const trigger = () => {
    const go = fromHere();
    return act(async () => {
      const { id } = await post<{ id: string }>(`${path}/trigger`);
      if (isOne) go(hrefOf("tasks", id));
      return `Submitted ${task}`;
    });
  };
  const remove = async () => {
    const go = fromHere();
    const isDone = await act(async () => {
      await call("DELETE", path);
      return `Deleted ${name}`;
    });
    if (isDone) go(hrefOf("schedules"));
    return isDone;
  };
  return (
    <span class="actions">
      {isOne && declaredBy === null && <a class="button" href={`${hrefOf("schedules", name)}?edit`}>Edit…</a>}
      <AskingButton
        label="Trigger…"
        title={`Submit ${task} now?`}
        verb="Submit"
        onDone={trigger}
      >
        <p>
          A task of this schedule is submitted beside its times. They stay as they are.
        </p>
      </AskingButton>{" "}
      <PauseButton
        path={path}
        what={`the schedule ${name}`}
        paused={paused}
        meaning="It submits nothing until it is resumed, and makes up for nothing."
      />
      {isOne && <Backfill path={path} />}
      {isOne && declaredBy === null && (
        <AskingButton
          label="Delete…"
          title={`Delete the schedule ${name}?`}
          verb="Delete it"
          isDangerous
          onDone={remove}
        >
          <p>Its tasks stay.</p>
        </AskingButton>
      )}
    </span>
  );
}

function Backfill({ path }: { path: string }) {
  const backfill = (values: FormData) =>
    act(async () => {
      const [from, to] = ["from", "to"].map((name) => isoOfLocal(String(values.get(name))));
      const { tasks, existing } = await post<{ tasks: unknown[]; existing: number }>(`${path}/backfill`, {
        from,
        to,
      });
      return `Submitted ${counted(tasks.length, "task")}${
        existing > 0 ? `; ${count(existing)} were there` : ""
      }`;
    });
  return (
    <AskingButton
      label="Backfill…"
      title="Submit the tasks of times that have passed?"
      verb="Submit"
      onDone={backfill}
    >
      <p>Those that are there already are not made again. At most 1,000 at once.</p>
      <div class="pair">
        <Field label="From">
          <input name="from" type="datetime-local" step={1} required />
        </Field>
        <Field label="To" note={`in ${ZONE}`}>
          <input name="to" type="datetime-local" step={1} required />
        </Field>
      </div>
    </AskingButton>
  );
}

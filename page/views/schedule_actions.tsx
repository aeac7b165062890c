// What can be done to a schedule.

import { call, post } from "../data/api.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import type { ScheduleSummary } from "../data/answers.ts";
import { may } from "../data/session.ts";
import { AskingButton } from "../ui/dialog.tsx";
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

// What can be done to the tasks that were chosen.

import type { Signal } from "@preact/signals";
import { cancelMany, deleteAll, retryAll } from "../data/actions.ts";
import { counted } from "../data/format.ts";
import { may } from "../data/session.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";

/** As long as an answer may take: more are cancelled by a filter. */
const MOST_IDS = 10_000;
const ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];

interface SelectionProps {
  selected: Signal<ReadonlySet<string>>;
  /** How many tasks fit, if that is known. */
  fitting: string | null;
  filters: Record<string, string>;
}

export function Selection({ selected, fitting, filters }: SelectionProps) {
  const ids = [...selected.value];
  if (ids.length === 0) return null;
  const tasks = counted(ids.length, "task");
  const done = async (step: () => Promise<string>) => {
    const isDone = await act(step);
    if (isDone) selected.value = new Set();
    return isDone;
  };
  return (
    <div class="selection" role="toolbar" aria-label={`Actions on ${tasks}`}>
      <b>{tasks}</b>
      {may("cancel") && (
        <AskingButton
          label="Cancel…"
          title={`Cancel ${tasks}?`}
          verb="Cancel them"
          isDangerous
          onDone={(values) =>
            done(() =>
              cancelMany({ ids: ids.slice(0, MOST_IDS) }, String(values.get("reason") ?? "").trim())
            )}
        >
          <p>
            Those that wait are cancelled, those that run are asked to stop. Those that have ended stay as
            they are.
          </p>
          <Field label="Reason">
            <input name="reason" maxLength={500} autoComplete="off" />
          </Field>
        </AskingButton>
      )}
      {may("submit") && (
        <AskingButton
          label="Retry…"
          title={`Retry ${tasks}?`}
          verb="Retry them"
          onDone={() => done(() => retryAll(ids))}
        >
          <p>
            Those that have failed, crashed or were cancelled run again under their ids.
          </p>
        </AskingButton>
      )}
      {may("admin") && (
        <AskingButton
          label="Delete…"
          title={`Delete ${tasks}?`}
          verb="Delete them"
          isDangerous
          onDone={() => done(() => deleteAll(ids))}
        >
          <p>
            Those that have ended are gone for good, with their inputs and results.
          </p>
        </AskingButton>
      )}
      {may("cancel") && fitting !== null && <CancelFitting filters={filters} fitting={fitting} done={done} />}
      <button type="button" class="plain" onClick={() => selected.value = new Set()}>
        Choose none
      </button>
    </div>
  );
}

interface FittingProps {
  filters: Record<string, string>;
  fitting: string;
  done: (step: () => Promise<string>) => Promise<boolean>;
}

/** More than are chosen: what the filters of the list say, as it is when it is asked for. */
function CancelFitting({ filters, fitting, done }: FittingProps) {
  const { state, finishedAfter, finishedBefore, ...rest } = filters;
  const states = state?.split(",").filter((each) => !ENDED.includes(each));
  const isNone = states?.length === 0 || finishedAfter !== undefined || finishedBefore !== undefined;
  if (Object.keys(filters).length === 0 || isNone) return null;
  const filter = { ...rest, ...(states && { state: states }) };
  return (
    <AskingButton
      label="Cancel all that fit…"
      title={`Cancel all of ${fitting} that have not ended?`}
      verb="Cancel all"
      isDangerous
      onDone={(values) => done(() => cancelMany({ filter }, String(values.get("reason") ?? "").trim()))}
    >
      <p>
        Not only those that are chosen: all that fit these filters when it begins.
        {Object.entries(filter).map(([name, value]) => (
          <span key={name} class="tag">
            {name} <bdi>{String(value)}</bdi>
          </span>
        ))}
      </p>
      <Field label="Reason">
        <input name="reason" maxLength={500} autoComplete="off" />
      </Field>
    </AskingButton>
  );
}

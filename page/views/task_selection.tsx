// What can be done to the tasks that were chosen.

import type { Signal } from "@preact/signals";
import { cancelMany, deleteAll, retryAll } from "../data/actions.ts";
import { counted } from "../data/format.ts";
import { may } from "../data/session.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";

/** More are cancelled by a filter. */
const MOST_IDS = 10_000;

interface SelectionProps {
  selected: Signal<ReadonlySet<string>>;
}

export function Selection({ selected }: SelectionProps) {
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
            done(() => cancelMany(ids.slice(0, MOST_IDS), String(values.get("reason") ?? "").trim()))}
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
      <button
        type="button"
        class="plain"
        onClick={() => selected.value = new Set()}
      >
        Choose none
      </button>
    </div>
  );
}

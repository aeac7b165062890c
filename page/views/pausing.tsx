// Pausing and resuming a queue, a definition, a schedule, or everything.

import { post } from "../data/api.ts";
import { may } from "../data/session.ts";
import type { Pause } from "../data/answers.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";

/** That of a schedule has no end of its own. */
type Paused = Omit<Pause, "until"> | null;

export function PausedMark({ paused }: { paused: Paused }) {
  if (paused === null) return null;
  const who = [paused.by && `by ${paused.by}`, paused.note].filter(Boolean)
    .join(": ");
  return <span class="state paused" title={who}>paused</span>;
}

interface PauseButtonProps {
  /** Without /pause. */
  path: string;
  what: string;
  paused: Paused;
  /** What a pause means for it. */
  meaning?: string;
}

const MEANING = "No more of its tasks start. What runs goes on, and submits are taken.";

export function PauseButton(
  { path, what, paused, meaning = MEANING }: PauseButtonProps,
) {
  if (!may("operate")) return null;
  if (paused !== null) {
    const resume = async () => {
      await post(`${path}/resume`);
      return `Resumed ${what}`;
    };
    return (
      <button
        type="button"
        class="main"
        onClick={() => act(resume)}
        aria-label={`Resume ${what}`}
      >
        Resume
      </button>
    );
  }
  const pause = (values: FormData) =>
    act(async () => {
      const note = String(values.get("note") ?? "").trim();
      await post(`${path}/pause`, note ? { note } : {});
      return `Paused ${what}`;
    });
  return (
    <AskingButton
      label="Pause"
      title={`Pause ${what}?`}
      verb="Pause"
      onDone={pause}
    >
      <p>{meaning}</p>
      <Field label="Note" note="Shown with what it holds up.">
        <input name="note" maxLength={200} autoComplete="off" />
      </Field>
    </AskingButton>
  );
}

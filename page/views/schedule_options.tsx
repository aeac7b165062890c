// What a schedule may say beside its times, its definition and its input.

import type { Overlap } from "../data/answers.ts";
import { DEFAULT_CATCHUP_MS, type Draft, OVERLAPS } from "../data/schedule_draft.ts";
import { Field } from "../ui/dialog.tsx";
import { DurationField, InstantField } from "../ui/time_fields.tsx";

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

export function Bounds({ draft: { startAt, endAt, remaining }, set }: PartProps) {
  const isOpen = startAt !== undefined || endAt !== undefined || remaining !== undefined;
  return (
    <details open={isOpen || undefined}>
      <summary>From when, until when, how often</summary>
      <div class="pair">
        <InstantField label="Not before" value={startAt} onChange={(startAt) => set({ startAt })} />
        <InstantField label="Not after" value={endAt} onChange={(endAt) => set({ endAt })} />
        <Field label="So many times more">
          <input
            type="number"
            min={0}
            value={remaining ?? ""}
            onInput={({ currentTarget: { value } }) =>
              set({ remaining: value === "" ? undefined : Number(value) })}
          />
        </Field>
      </div>
    </details>
  );
}

export function Ways({ draft, set }: PartProps) {
  return (
    <div class="fields">
      <Field label="If the last task has not ended">
        <select
          value={draft.overlap ?? "skip"}
          onChange={({ currentTarget }) => set({ overlap: currentTarget.value as Overlap })}
        >
          {Object.entries(OVERLAPS).map(([overlap, words]) => (
            <option key={overlap} value={overlap}>{overlap}: {words}</option>
          ))}
        </select>
      </Field>
      <DurationField
        label="Makes up for times of the last"
        note="While no process ran. Older ones are left out."
        value={draft.catchupMs ?? DEFAULT_CATCHUP_MS}
        onChange={(catchupMs) => set({ catchupMs })}
      />
      <DurationField
        label="Spread over"
        note="Each time is moved later by less than this, always by the same."
        value={draft.windowMs}
        onChange={(windowMs) => set({ windowMs })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={draft.pauseOnFailure ?? false}
          onChange={({ currentTarget }) => set({ pauseOnFailure: currentTarget.checked || undefined })}
        />
        a task that fails pauses it
      </label>
    </div>
  );
}

export function Options({ draft: { options = {} }, set }: PartProps) {
  const change = (name: string, value: unknown) => {
    const next: Record<string, unknown> = { ...options, [name]: value };
    if (value === undefined) delete next[name];
    set({ options: Object.keys(next).length > 0 ? next : undefined });
  };
  return (
    <>
      <div class="side">
        <Field label="Queue">
          <input
            autoComplete="off"
            value={options.queue ?? ""}
            onInput={({ currentTarget: { value } }) => change("queue", value.trim() || undefined)}
          />
        </Field>
        <Field label="Priority" note="−10 to 10">
          <input
            type="number"
            min={-10}
            max={10}
            value={options.priority ?? ""}
            onInput={({ currentTarget: { value } }) =>
              change("priority", value === "" ? undefined : Number(value))}
          />
        </Field>
        <Field label="Tags" note="With commas between.">
          <input
            autoComplete="off"
            defaultValue={(options.tags ?? []).join(", ")}
            onInput={({ currentTarget: { value } }) => {
              const tags = value.split(/[\s,]+/).filter((tag) => tag !== "");
              change("tags", tags.length > 0 ? tags : undefined);
            }}
          />
        </Field>
      </div>
      {Object.keys(options).some((name) => !["queue", "priority", "tags"].includes(name)) && (
        <p class="dim">Its other options stay as they are.</p>
      )}
    </>
  );
}

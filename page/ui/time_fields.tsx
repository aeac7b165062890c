// Fields for a length of time, and for an instant.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { isoOfLocal, localOf } from "../data/schedule_draft.ts";

const UNITS: [label: string, ms: number][] = [
  ["seconds", 1_000],
  ["minutes", 60_000],
  ["hours", 3_600_000],
  ["days", 86_400_000],
];

interface DurationFieldProps {
  label: string;
  note?: ComponentChildren;
  /** In milliseconds. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
}

export function DurationField({ label, note, value, onChange }: DurationFieldProps) {
  const fitting = UNITS.findLast(([, ms]) => value !== undefined && value > 0 && value % ms === 0);
  const [unit, setUnit] = useState(fitting ?? UNITS[value ? 0 : 1]);
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="joined">
        <input
          id={id}
          type="number"
          min={0}
          step="any"
          value={value === undefined ? "" : value / unit[1]}
          onInput={({ currentTarget: { value } }) =>
            onChange(value === "" ? undefined : Math.round(Number(value) * unit[1]))}
        />
        <select
          aria-label={`Unit of ${label}`}
          value={unit[0]}
          onChange={({ currentTarget }) => {
            const next = UNITS.find(([name]) => name === currentTarget.value)!;
            if (value !== undefined) onChange(Math.round(value / unit[1] * next[1]));
            setUnit(next);
          }}
        >
          {UNITS.map(([name]) => <option key={name}>{name}</option>)}
        </select>
      </div>
      {note && <small>{note}</small>}
    </div>
  );
}

interface InstantFieldProps {
  label: string;
  note?: ComponentChildren;
  /** ISO 8601. */
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** In the reader's zone. */
export function InstantField({ label, note, value, onChange }: InstantFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        step={1}
        value={localOf(value)}
        onChange={({ currentTarget }) => onChange(isoOfLocal(currentTarget.value))}
      />
      {note && <small>{note}</small>}
    </div>
  );
}

// When a schedule fires: the entries of its spec, and the times that the service finds for them.

import { useEffect, useId, useState } from "preact/hooks";
import type { ScheduleSpec } from "../data/answers.ts";
import { CallError, post } from "../data/api.ts";
import type { Faults } from "../data/faults.ts";
import {
  type Draft,
  isoOfLocal,
  kindOfSpec,
  localOf,
  newSpec,
  type SpecKind,
  ZONE,
} from "../data/schedule_draft.ts";
import { Fault, Panel, Skeleton } from "../ui/basics.tsx";
import { Field } from "../ui/dialog.tsx";
import { DurationField } from "../ui/time_fields.tsx";
import { Times } from "./next_times.tsx";

const KINDS: Record<SpecKind, string> = {
  cron: "by cron",
  every: "every so often",
  at: "once",
};
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")];
const SETTLE_MS = 300;

interface SpecFieldsProps {
  what: string;
  /** Of the list, in what is sent. */
  pointer: string;
  spec: ScheduleSpec[];
  onChange: (spec: ScheduleSpec[]) => void;
  faults: Faults;
  /** How many there must be. */
  least: number;
}

export function SpecFields({ what, pointer, spec, onChange, faults, least }: SpecFieldsProps) {
  const zones = useId();
  return (
    <div class="fields">
      <datalist id={zones}>{ZONES.map((zone) => <option key={zone} value={zone} />)}</datalist>
      {spec.map((entry, i) => (
        <fieldset key={i} class="entry">
          <legend class="hidden">{what} {i + 1}</legend>
          <div class="item">
            <Entry
              entry={entry}
              zones={zones}
              onChange={(changed) => onChange(spec.with(i, changed))}
            />
            {spec.length > least && (
              <button
                type="button"
                class="plain"
                aria-label={`Without ${what} ${i + 1}`}
                onClick={() => onChange(spec.toSpliced(i, 1))}
              >
                ×
              </button>
            )}
          </div>
          {[...faults].filter(([at]) => at === `${pointer}/${i}` || at.startsWith(`${pointer}/${i}/`)).map((
            [at, message],
          ) => <small key={at} class="fault-text" role="alert">{message}</small>)}
        </fieldset>
      ))}
      <button type="button" onClick={() => onChange([...spec, newSpec("cron")])}>
        {spec.length === 0 ? "Add one" : "Add another"}
      </button>
    </div>
  );
}

function Entry(
  { entry, zones, onChange }: {
    entry: ScheduleSpec;
    zones: string;
    onChange: (entry: ScheduleSpec) => void;
  },
) {
  const kind = kindOfSpec(entry);
  return (
    <div class="spec">
      <Field label="Fires">
        <select
          value={kind}
          onChange={({ currentTarget }) => onChange(newSpec(currentTarget.value as SpecKind))}
        >
          {(Object.keys(KINDS) as SpecKind[]).map((each) => (
            <option key={each} value={each}>{KINDS[each]}</option>
          ))}
        </select>
      </Field>
      {"cron" in entry && (
        <>
          <Field label="Cron" note="minute hour day month weekday">
            <input
              class="mono"
              value={entry.cron}
              required
              spellcheck={false}
              autoComplete="off"
              onInput={({ currentTarget }) => onChange({ ...entry, cron: currentTarget.value })}
            />
          </Field>
          <Field label="Time zone">
            <input
              list={zones}
              value={entry.timezone ?? "UTC"}
              required
              spellcheck={false}
              autoComplete="off"
              onInput={({ currentTarget }) => onChange({ ...entry, timezone: currentTarget.value })}
            />
          </Field>
        </>
      )}
      {"everyMs" in entry && (
        <>
          <DurationField
            label="Every"
            value={entry.everyMs}
            onChange={(everyMs = 0) => onChange({ ...entry, everyMs })}
          />
          <DurationField
            label="Moved by"
            value={entry.offsetMs}
            onChange={(offsetMs) => onChange({ everyMs: entry.everyMs, ...(offsetMs && { offsetMs }) })}
          />
        </>
      )}
      {"at" in entry && (
        <Field label="At" note={`in ${ZONE}`}>
          <input
            type="datetime-local"
            step={1}
            required
            value={localOf(entry.at)}
            onChange={({ currentTarget }) => onChange({ at: isoOfLocal(currentTarget.value) ?? "" })}
          />
        </Field>
      )}
    </div>
  );
}

interface Found {
  /** For what it was asked. */
  key: string;
  told: { times: string[] } | CallError;
}

/** The next times, as the service finds them. */
export function Preview({ draft: { spec, exclude, startAt, endAt } }: { draft: Draft }) {
  const [found, setFound] = useState<Found | null>(null);
  const key = JSON.stringify({ spec, exclude, startAt, endAt });
  useEffect(() => {
    let isOver = false;
    const show = (told: Found["told"]) => isOver || setFound({ key, told });
    const timer = setTimeout(() => {
      post<{ times: string[] }>("/v1/schedules/preview", JSON.parse(key)).then(show, (error) => {
        if (!(error instanceof CallError)) throw error;
        show(error);
      });
    }, SETTLE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key]);
  return (
    <Panel title="Next times" aside="as the service finds them" class="preview">
      <div class={found?.key === key ? "" : "old"} aria-busy={found?.key !== key}>
        {found === null
          ? <Skeleton lines={5} />
          : found.told instanceof CallError
          ? <Fault error={found.told} />
          : found.told.times.length === 0
          ? <p class="dim">None.</p>
          : <Times times={found.told.times} />}
      </div>
    </Panel>
  );
}

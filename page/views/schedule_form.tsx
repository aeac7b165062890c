// A schedule, made or changed.

import { useState } from "preact/hooks";
import type { DefinitionInfo, DefinitionList, Schedule } from "../data/answers.ts";
import { call, CallError, get } from "../data/api.ts";
import { faultsIn, faultsOf, NO_FAULTS, textOf } from "../data/faults.ts";
import { useLoad } from "../data/load.ts";
import { hasRedacted, REDACTED } from "../data/redacted.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import { configOf, type Draft, draftOf, newDraft, patchOf } from "../data/schedule_draft.ts";
import { initialOf } from "../data/schema.ts";
import { may } from "../data/session.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Panel, Shown } from "../ui/basics.tsx";
import { Field } from "../ui/dialog.tsx";
import { InputPanel } from "../ui/input_form.tsx";
import { say } from "../ui/notices.tsx";
import { Bounds, Options, Ways } from "./schedule_options.tsx";
import { Preview, SpecFields } from "./schedule_times.tsx";

const ANY = { type: "object" };

/** @param task of which definition; empty: it is chosen in the form */
export function NewSchedule({ task }: { task: string }) {
  const loaded = useLoad<DefinitionList>("/v1/definitions", { live: false });
  return (
    <>
      <Bar title="New schedule" />
      {!may("operate") ? <NotAllowed /> : (
        <Shown loaded={loaded} lines={8}>
          {({ definitions }) => <Form before={null} first={newDraft(task)} definitions={definitions} />}
        </Shown>
      )}
    </>
  );
}

export function EditSchedule({ id }: { id: string }) {
  const loaded = useLoad<Schedule>(`/v1/schedules/${encodeURIComponent(id)}`, { live: false });
  const definitions = useLoad<DefinitionList>("/v1/definitions", { live: false });
  return (
    <>
      <Bar title={<bdi>{id}</bdi>} />
      {!may("operate") ? <NotAllowed /> : (
        <Shown loaded={loaded} lines={8}>
          {(schedule) =>
            schedule.declaredBy !== null
              ? (
                <Empty title="Code declares this schedule">
                  What the code of <bdi>{schedule.declaredBy}</bdi> says is changed there.
                </Empty>
              )
              : (
                <Shown loaded={definitions} lines={8}>
                  {({ definitions }) => (
                    <Form before={draftOf(schedule)} first={draftOf(schedule)} definitions={definitions} />
                  )}
                </Shown>
              )}
        </Shown>
      )}
    </>
  );
}

function NotAllowed() {
  return (
    <Empty title="Your key may not change schedules">
      It needs the scope <code>operate</code>.
    </Empty>
  );
}

interface FormProps {
  /** As it is; null: there is none yet. */
  before: Draft | null;
  first: Draft;
  definitions: DefinitionInfo[];
}

function Form({ before, first, definitions }: FormProps) {
  const schemaOf = (task: string) => definitions.find(({ name }) => name === task)?.input ?? ANY;
  const [draft, setDraft] = useState<Draft>(() => {
    const task = first.task || definitions[0]?.name || "";
    return before ? first : { ...first, task, input: initialOf(schemaOf(task), schemaOf(task)) };
  });
  const [faults, setFaults] = useState(NO_FAULTS);
  const [isBusy, setBusy] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((draft) => ({ ...draft, ...change }));
  const choose = (task: string) => {
    const input = task === before?.task ? before.input : initialOf(schemaOf(task), schemaOf(task));
    set({ task, input });
  };
  const path = `/v1/schedules/${encodeURIComponent(draft.name.trim())}`;
  const back = before ? hrefOf("schedules", before.name) : hrefOf("schedules");
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const go = fromHere();
    setBusy(true);
    try {
      const patch = before && patchOf(before, draft);
      if (hasRedacted(patch?.input)) throw new CallError(422, REDACTED);
      if (patch) await call("PATCH", path, { body: patch });
      else if (await isThere(path)) throw new CallError(409, `there is a schedule ${draft.name.trim()}`);
      else await call("PUT", path, { body: configOf(draft) });
      say(before ? `Changed ${before.name}` : `Made ${draft.name.trim()}`);
      go(hrefOf("schedules", draft.name.trim()));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      setFaults(faultsOf(error));
      say(textOf(error, ["/input", "/spec/", "/exclude/"]), true);
    }
    setBusy(false);
  };
  return (
    <form class="grid two" onSubmit={save}>
      <div class="column">
        <Panel title="What it submits">
          <div class="fields">
            {!before && (
              <Field label="Name" note="Letters, digits and _ . -">
                <input
                  required
                  maxLength={100}
                  pattern="[A-Za-z0-9][A-Za-z0-9_.\-]*"
                  placeholder="nightly"
                  spellcheck={false}
                  autoComplete="off"
                  value={draft.name}
                  onInput={({ currentTarget }) => set({ name: currentTarget.value })}
                />
              </Field>
            )}
            <Field label="Definition">
              <select value={draft.task} onChange={({ currentTarget }) => choose(currentTarget.value)}>
                {[...new Set([draft.task, ...definitions.map(({ name }) => name)])].map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </Field>
            <Field label="Note">
              <input
                maxLength={500}
                autoComplete="off"
                value={draft.note ?? ""}
                onInput={({ currentTarget }) => set({ note: currentTarget.value || undefined })}
              />
            </Field>
          </div>
        </Panel>
        <InputPanel
          key={draft.task}
          title="Input of each task"
          schema={schemaOf(draft.task)}
          value={draft.input}
          onChange={(input) => set({ input })}
          faults={faultsIn(faults, "/input")}
        />
        <Panel title="Options of each task">
          <Options draft={draft} set={set} />
        </Panel>
      </div>
      <div class="column">
        <Panel title="When">
          <SpecFields
            what="time"
            pointer="/spec"
            least={1}
            spec={draft.spec}
            onChange={(spec) => set({ spec })}
            faults={faults}
          />
          <details open={draft.exclude !== undefined || undefined}>
            <summary>But not</summary>
            <SpecFields
              what="exclusion"
              pointer="/exclude"
              least={0}
              spec={draft.exclude ?? []}
              onChange={(exclude) => set({ exclude: exclude.length > 0 ? exclude : undefined })}
              faults={faults}
            />
          </details>
          <Bounds draft={draft} set={set} />
        </Panel>
        <Preview draft={draft} />
        <Panel title="If something is in the way">
          <Ways draft={draft} set={set} />
        </Panel>
        <div class="actions end">
          <a class="button" href={back}>Back</a>
          <button type="submit" class="main" disabled={isBusy || draft.task === ""}>
            {isBusy ? "…" : before ? "Save" : "Make it"}
          </button>
        </div>
      </div>
    </form>
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await get(path);
    return true;
  } catch (error) {
    if (error instanceof CallError && error.status === 404) return false;
    throw error;
  }
}

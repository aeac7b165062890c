// One definition: what it takes, and a form to submit a task of it by hand.

import { useState } from "preact/hooks";
import { call, CallError } from "../data/api.ts";
import { useLoad } from "../data/load.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import { faultsIn, faultsOf, NO_FAULTS, textOf } from "../data/faults.ts";
import { initialOf } from "../data/schema.ts";
import { may } from "../data/session.ts";
import type { DefinitionInfo } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Panel, Shown } from "../ui/basics.tsx";
import { Field } from "../ui/dialog.tsx";
import { InputPanel } from "../ui/input_form.tsx";
import { JsonTree } from "../ui/json_tree.tsx";
import { say } from "../ui/notices.tsx";
import { PauseButton, PausedMark } from "./pausing.tsx";

export function DefinitionView({ id }: { id: string }) {
  const loaded = useLoad<{ definitions: DefinitionInfo[] }>("/v1/definitions", {
    everyMs: 10_000,
  });
  return (
    <Shown loaded={loaded} lines={8}>
      {({ definitions }) => {
        const found = definitions.find(({ name }) => name === id);
        if (!found) {
          return (
            <>
              <Bar title={<bdi>{id}</bdi>} />
              <Empty title="No definition has this name">
                <a class="link" href={hrefOf("definitions")}>All definitions</a>
              </Empty>
            </>
          );
        }
        return <One definition={found} />;
      }}
    </Shown>
  );
}

function One({ definition }: { definition: DefinitionInfo }) {
  const { name, description, paused, input, output, defaults } = definition;
  return (
    <>
      <Bar title={<bdi>{name}</bdi>}>
        <PausedMark paused={paused} />
        <span class="spacer" />
        <a
          class="link"
          href={`${hrefOf("tasks")}?task=${encodeURIComponent(name)}`}
        >
          Its tasks
        </a>
        {may("operate") && (
          <a class="button" href={`${hrefOf("schedules")}?new=${encodeURIComponent(name)}`}>Schedule…</a>
        )}
        <PauseButton
          path={`/v1/definitions/${encodeURIComponent(name)}`}
          what={name}
          paused={paused}
        />
      </Bar>
      {description && (
        <p class="lead">
          <bdi>{description}</bdi>
        </p>
      )}
      <div class="grid two">
        {may("submit") ? <SubmitForm definition={definition} /> : (
          <Panel title="Submit">
            <p class="dim">Your key lacks the scope submit.</p>
          </Panel>
        )}
        <div class="column">
          <Panel title="Input, as JSON Schema">
            <JsonTree value={input} name="Schema of the input" />
          </Panel>
          <Panel title="Output, as JSON Schema">
            <JsonTree value={output} name="Schema of the output" />
          </Panel>
          <Panel title="Defaults of its tasks">
            {Object.keys(defaults).length === 0
              ? <p class="dim">None of its own.</p>
              : <JsonTree value={defaults} name="Defaults" />}
          </Panel>
        </div>
      </div>
    </>
  );
}

const OPTIONS: [name: string, label: string, note: string][] = [
  ["queue", "Queue", ""],
  ["priority", "Priority", "−10 to 10"],
  ["delayMs", "Delay in ms", ""],
];

function SubmitForm(
  { definition: { name, input: schema } }: { definition: DefinitionInfo },
) {
  const [input, setInput] = useState<unknown>(() => initialOf(schema, schema));
  const [faults, setFaults] = useState(NO_FAULTS);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    const text = (field: string) => String(values.get(field) ?? "").trim();
    const tags = text("tags").split(/[\s,]+/).filter((tag) => tag !== "");
    const options = {
      ...(text("queue") && { queue: text("queue") }),
      ...(text("priority") && { priority: Number(text("priority")) }),
      ...(text("delayMs") && { delayMs: Number(text("delayMs")) }),
      ...(tags.length > 0 && { tags }),
    };
    const go = fromHere();
    setBusy(true);
    try {
      const body = {
        task: name,
        input,
        ...(Object.keys(options).length > 0 && { options }),
      };
      const made = await call<{ id: string }>("POST", "/v1/tasks", { body });
      say("Submitted");
      go(hrefOf("tasks", made.id));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      setFaults(faultsIn(faultsOf(error), "/input"));
      say(textOf(error, ["/input"]), true);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={submit}>
      <InputPanel title="Submit a task" schema={schema} value={input} onChange={setInput} faults={faults}>
        <details>
          <summary>Options</summary>
          <div class="side">
            {OPTIONS.map(([field, label, note]) => (
              <Field key={field} label={label} note={note}>
                {field === "queue"
                  ? <input name={field} autoComplete="off" />
                  : <input name={field} type="number" />}
              </Field>
            ))}
          </div>
          <Field label="Tags" note="With commas between.">
            <input name="tags" autoComplete="off" />
          </Field>
        </details>
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? "…" : "Submit"}
        </button>
      </InputPanel>
    </form>
  );
}

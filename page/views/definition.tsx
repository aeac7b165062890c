// One definition: what it takes, and a form to submit a task of it by hand.

import { useId, useState } from "preact/hooks";
import { call, CallError } from "../data/api.ts";
import { useLoad } from "../data/load.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import { initialOf, kindOf, resolved } from "../data/schema.ts";
import { may } from "../data/session.ts";
import type { DefinitionInfo } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Panel, Shown } from "../ui/basics.tsx";
import { Field } from "../ui/dialog.tsx";
import { JsonTree } from "../ui/json_tree.tsx";
import { say } from "../ui/notices.tsx";
import { JsonField, SchemaField } from "../ui/schema_form.tsx";
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
  const hasFields = kindOf(resolved(schema, schema)) === "object";
  const [isJson, setJson] = useState(!hasFields);
  const [input, setInput] = useState<unknown>(() => initialOf(schema, schema));
  const [faults, setFaults] = useState<ReadonlyMap<string, string>>(new Map());
  const [isBusy, setBusy] = useState(false);
  const id = useId();
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
      setFaults(
        new Map(
          error.faults.map((
            { pointer, message },
          ) => [pointer.replace(/^\/input/, ""), message]),
        ),
      );
      const others = error.faults.filter(({ pointer }) => isJson || !pointer.startsWith("/input"));
      say(
        [
          error.message,
          ...others.map(({ pointer, message }) => `${pointer} ${message}`),
        ].join("; "),
        true,
      );
    }
    setBusy(false);
  };
  return (
    <Panel
      title="Submit a task"
      aside={hasFields
        ? (
          <span class="tabs" role="group" aria-label="How the input is written">
            <button
              type="button"
              aria-pressed={!isJson}
              onClick={() => setJson(false)}
            >
              Form
            </button>
            <button
              type="button"
              aria-pressed={isJson}
              onClick={() => setJson(true)}
            >
              JSON
            </button>
          </span>
        )
        : undefined}
    >
      <form class="submit-form" onSubmit={submit}>
        {isJson
          ? (
            <div class="field">
              <label for={id}>Input</label>
              <JsonField id={id} value={input} onChange={setInput} rows={10} />
            </div>
          )
          : (
            <SchemaField
              schema={schema}
              root={schema}
              value={input}
              onChange={setInput}
              pointer=""
              faults={faults}
              isRequired
            />
          )}
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
      </form>
    </Panel>
  );
}

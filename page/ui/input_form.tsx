// The input of a task: fields by the JSON Schema of its definition, or JSON text.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Schema } from "../data/answers.ts";
import { kindOf, resolved } from "../data/schema.ts";
import { Panel } from "./basics.tsx";
import { JsonField, SchemaField } from "./schema_form.tsx";

interface InputPanelProps {
  title: string;
  schema: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  /** By the pointer into the input. */
  faults: ReadonlyMap<string, string>;
  /** Below the fields. */
  children?: ComponentChildren;
}

export function InputPanel({ title, schema, value, onChange, faults, children }: InputPanelProps) {
  const hasFields = kindOf(resolved(schema, schema)) === "object";
  const [isJson, setJson] = useState(!hasFields);
  const id = useId();
  const tabs = hasFields && (
    <span class="tabs" role="group" aria-label="How the input is written">
      <button type="button" aria-pressed={!isJson} onClick={() => setJson(false)}>Form</button>
      <button type="button" aria-pressed={isJson} onClick={() => setJson(true)}>JSON</button>
    </span>
  );
  return (
    <Panel title={title} aside={tabs || undefined}>
      <div class="fields">
        {isJson || !hasFields
          ? (
            <div class={faults.size > 0 ? "field wrong" : "field"}>
              <label for={id}>Input</label>
              <JsonField id={id} value={value} onChange={onChange} rows={10} />
              {[...faults].map(([pointer, message]) => (
                <small key={pointer} class="fault-text" role="alert">
                  {pointer && <code>{pointer}</code>} {message}
                </small>
              ))}
            </div>
          )
          : (
            <SchemaField
              schema={schema}
              root={schema}
              value={value}
              onChange={onChange}
              pointer=""
              faults={faults}
              isRequired
            />
          )}
        {children}
      </div>
    </Panel>
  );
}

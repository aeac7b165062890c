// A form for a JSON Schema: fields for what people fill in, and JSON text for what has no field. The service
// checks what is sent; its faults are shown at the field that their pointer names.

import { useId } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Schema } from "../data/answers.ts";
import { initialOf, type Kind, kindOf, resolved, withDefault } from "../data/schema.ts";

export interface SchemaFieldProps {
  schema: Schema;
  root: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  /** Undefined for the whole. */
  name?: string;
  pointer: string;
  isRequired?: boolean;
  /** Of a list, where all are required. */
  isItem?: boolean;
  faults: ReadonlyMap<string, string>;
}

export function SchemaField(props: SchemaFieldProps) {
  const schema = resolved(props.schema, props.root);
  const kind = kindFor(schema, props.value);
  if (kind === "object") return <ObjectField {...props} schema={schema} />;
  if (kind === "array") return <ArrayField {...props} schema={schema} />;
  return <ScalarField {...props} schema={schema} kind={kind} />;
}

/** JSON text for a value that its fields could not show. */
function kindFor(schema: Schema, value: unknown): Kind {
  const kind = kindOf(schema);
  if (value === undefined || value === null) return kind;
  const isShown = {
    object: typeof value === "object" && !Array.isArray(value),
    array: Array.isArray(value),
    enum: indexIn(valuesOf(schema), value) >= 0,
    boolean: typeof value === "boolean",
    number: typeof value === "number",
    integer: typeof value === "number",
    string: typeof value === "string",
    json: true,
  }[kind];
  return isShown ? kind : "json";
}

const valuesOf = (schema: Schema) => (schema.enum ?? [schema.const]) as unknown[];
const indexIn = (values: unknown[], value: unknown) =>
  values.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));

function Frame(
  { props, children, id }: {
    props: SchemaFieldProps;
    children: ComponentChildren;
    id?: string;
  },
) {
  const { name, isRequired, isItem, faults, pointer, schema } = props;
  const fault = faults.get(pointer);
  return (
    <div class={fault ? "field wrong" : "field"}>
      {name !== undefined && (
        <label for={id}>
          <bdi>{name}</bdi>{" "}
          {isRequired && !isItem ? <span class="dim" title="It must be given">required</span> : null}
        </label>
      )}
      {children}
      {typeof schema.description === "string" && (
        <small>
          <bdi>{schema.description}</bdi>
        </small>
      )}
      {fault && <small class="fault-text" role="alert">{fault}</small>}
    </div>
  );
}

function ScalarField(props: SchemaFieldProps & { kind: string }) {
  const { schema, value, onChange, kind } = props;
  const id = useId();
  const common = {
    id,
    required: props.isRequired && value === undefined && kind !== "boolean",
  };
  if (kind === "enum") {
    const values = valuesOf(schema);
    return (
      <Frame props={props} id={id}>
        <select
          {...common}
          value={indexIn(values, value)}
          onChange={(event) => onChange(values[Number(event.currentTarget.value)])}
        >
          {!props.isRequired && <option value={-1}>–</option>}
          {values.map((each, i) => <option key={i} value={i}>{String(each)}</option>)}
        </select>
      </Frame>
    );
  }
  if (kind === "boolean") {
    return (
      <Frame props={props} id={id}>
        <input
          {...common}
          type="checkbox"
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      </Frame>
    );
  }
  if (kind === "number" || kind === "integer") {
    return (
      <Frame props={props} id={id}>
        <input
          {...common}
          type="number"
          step={kind === "integer" ? 1 : "any"}
          min={schema.minimum as number}
          max={schema.maximum as number}
          value={String(value ?? "")}
          onInput={(event) =>
            onChange(
              event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value),
            )}
        />
      </Frame>
    );
  }
  if (kind === "string") {
    const isLong = ((schema.maxLength as number) ?? 0) > 300 ||
      String(value ?? "").includes("\n");
    const text = String(value ?? "");
    const onInput = (event: { currentTarget: { value: string } }) => {
      const typed = event.currentTarget.value;
      onChange(typed === "" && !props.isRequired ? undefined : typed);
    };
    return (
      <Frame props={props} id={id}>
        {isLong
          ? (
            <textarea
              {...common}
              required={false}
              rows={3}
              value={text}
              onInput={onInput}
            />
          )
          : (
            <input
              {...common}
              required={false}
              type="text"
              value={text}
              onInput={onInput}
              autoComplete="off"
            />
          )}
      </Frame>
    );
  }
  return (
    <Frame props={props} id={id}>
      <JsonField id={id} value={value} onChange={onChange} />
    </Frame>
  );
}

/** Any JSON. What is no JSON yet is kept as it was typed, and is said to the browser. */
export function JsonField({ id, value, onChange, rows = 3 }: {
  id: string;
  value: unknown;
  onChange: (value: unknown) => void;
  rows?: number;
}) {
  const type = (event: { currentTarget: HTMLTextAreaElement }) => {
    const field = event.currentTarget;
    try {
      onChange(field.value.trim() === "" ? undefined : JSON.parse(field.value));
      field.setCustomValidity("");
    } catch {
      field.setCustomValidity("This is no JSON.");
    }
  };
  return (
    <textarea
      id={id}
      class="mono"
      rows={rows}
      spellcheck={false}
      placeholder="JSON"
      defaultValue={value === undefined ? "" : JSON.stringify(value, null, 2)}
      onInput={type}
    />
  );
}

function ObjectField(props: SchemaFieldProps) {
  const { schema, root, pointer, onChange, faults } = props;
  const value = (props.value ?? {}) as Record<string, unknown>;
  const properties = Object.entries(
    (schema.properties ?? {}) as Record<string, Schema>,
  );
  const required = (schema.required ?? []) as string[];
  const set = (name: string, inner: unknown) => {
    const next = { ...value };
    if (inner === undefined) delete next[name];
    else next[name] = inner;
    onChange(next);
  };
  const fields = properties.map(([name, inner]) => (
    <SchemaField
      key={name}
      schema={inner}
      root={root}
      name={name}
      pointer={`${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`}
      value={value[name]}
      isRequired={required.includes(name)}
      onChange={(changed) => set(name, changed)}
      faults={faults}
    />
  ));
  if (props.name === undefined) return <div class="fields">{fields}</div>;
  return (
    <fieldset>
      <legend>
        <bdi>{props.name}</bdi>
      </legend>
      {props.isRequired || props.value !== undefined ? fields : (
        <button
          type="button"
          onClick={() => onChange(initialOf(schema, root))}
        >
          Add
        </button>
      )}
    </fieldset>
  );
}

function ArrayField(props: SchemaFieldProps) {
  const { schema, root, pointer, name, onChange, faults } = props;
  const values = (props.value ?? []) as unknown[];
  const items = (schema.items ?? {}) as Schema;
  return (
    <fieldset>
      <legend>{name === undefined ? "List" : <bdi>{name}</bdi>}</legend>
      {values.map((value, i) => (
        <div class="item" key={i}>
          <SchemaField
            schema={items}
            root={root}
            name={String(i)}
            pointer={`${pointer}/${i}`}
            value={value}
            isRequired
            isItem
            onChange={(changed) => onChange(values.with(i, changed))}
            faults={faults}
          />
          <button
            type="button"
            class="plain"
            aria-label={`Without item ${i}`}
            onClick={() => onChange(values.toSpliced(i, 1))}
          >
            ×
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => onChange([...values, withDefault(items, root)])}
      >
        Add an item
      </button>
      {faults.get(pointer) && <small class="fault-text" role="alert">{faults.get(pointer)}</small>}
    </fieldset>
  );
}

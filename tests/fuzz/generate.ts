// Requests made up from the OpenAPI document: most fit it, many miss it by one thing, some are nonsense.

import type { Schema } from "../support/json_schema.ts";
import type { Random } from "../support/random.ts";

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** Ids and cursors that the service has given, so that requests meet what is there. */
export class Known {
  readonly ids: string[] = [];

  constructor(private readonly random: Random) {}

  note(text: string): void {
    for (const [id] of text.matchAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g)) {
      if (this.ids.length < 500) this.ids.push(id);
      else this.ids[this.random.below(500)] = id;
    }
  }
}

const NASTY: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  "",
  " ",
  "\u0000",
  "\ud800",
  "💥".repeat(50),
  "a".repeat(5_000),
  "__proto__",
  "../../etc/passwd",
  "2020-13-45T99:99:99Z",
  "+275760-09-13T00:00:00Z",
  [],
  {},
  [[[[[[]]]]]],
  { __proto__: null, constructor: 1 },
  { $task: "x" },
];
const BODIES = [
  "",
  "{",
  "null",
  "[]",
  "1",
  '"text"',
  "\u0000",
  "{}{}",
  '{"a":1,}',
  "[".repeat(5_000),
  "\ufffd",
];

export class Generator {
  constructor(
    private readonly document: Schema,
    private readonly random: Random,
    private readonly known: Known,
  ) {}

  request(): FuzzRequest {
    const [template, methods] = this.#pick(Object.entries<Schema>(this.document.paths));
    const [method, operation] = this.#pick(Object.entries<Schema>(methods));
    const headers: Record<string, string> = {};
    const query: string[] = [];
    let path = template;
    for (const { name, in: where, schema, required } of operation.parameters ?? []) {
      if (!required && this.#chance(0.6)) continue;
      const value = this.#chance(0.15) ? this.#pick(NASTY) : this.value(this.#resolved(schema), name);
      for (const one of Array.isArray(value) ? value : [value]) {
        const text = encodeURIComponent(wellFormed(typeof one === "string" ? one : JSON.stringify(one)));
        if (where === "path") path = path.replace(`{${name}}`, text);
        else if (where === "query") query.push(`${name}=${text}`);
        else headers[name] = text.slice(0, 1_000);
      }
    }
    if (this.#chance(0.03)) query.push(`${this.#pick(["x", "__proto__", "%00"])}=1`);
    const request: FuzzRequest = {
      method: this.#chance(0.02) ? this.#pick(["PUT", "PATCH", "DELETE", "OPTIONS"]) : method.toUpperCase(),
      path: query.length > 0 ? `${path}?${query.join("&")}` : path,
      headers,
    };
    const content = operation.requestBody?.content?.["application/json"];
    if (content && request.method !== "GET") {
      request.body = this.#chance(0.05)
        ? this.#pick(BODIES)
        : this.#json(this.value(this.#resolved(content.schema)));
      if (!this.#chance(0.03)) headers["content-type"] = "application/json";
    }
    return request;
  }

  /** A value that fits the schema, or nearly. */
  value(schema: Schema, name = "", depth = 0): unknown {
    if (this.#chance(0.02) || depth > 8) return this.#pick(NASTY);
    const { oneOf, anyOf, allOf, $ref } = schema;
    if ($ref) return this.value(this.#resolved(schema), name, depth);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return this.#pick(schema.enum);
    if (oneOf ?? anyOf) return this.value(this.#pick<Schema>(oneOf ?? anyOf), name, depth + 1);
    if (allOf) return Object.assign({}, ...allOf.map((part: Schema) => this.value(part, name, depth + 1)));
    const type = Array.isArray(schema.type) ? this.#pick(schema.type) : schema.type;
    switch (type) {
      case "string":
        return this.#string(schema, name);
      case "integer":
      case "number":
        return this.#number(schema, type, name);
      case "boolean":
        return this.#chance(0.5);
      case "null":
        return null;
      case "array":
        return Array.from(
          { length: Math.floor(this.random.float() * 4) },
          () => this.value(schema.items ?? {}, name, depth + 1),
        );
      case "object":
        return this.#object(schema, depth);
      default:
        return this.#chance(0.5) ? this.#pick(NASTY) : { text: "t" };
    }
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [key, member] of Object.entries<Schema>(schema.properties ?? {})) {
      const isLeftOut = this.#chance(schema.required?.includes(key) ? 0.02 : 0.6);
      // Without it a wait is as long as the service allows.
      if (isLeftOut && key !== "timeoutSeconds") continue;
      value[key] = this.value(member, key, depth + 1);
    }
    if (this.#chance(0.03)) value[this.#pick(["extra", "constructor", ""])] = this.#pick(NASTY);
    return value;
  }

  #string(schema: Schema, name: string): string {
    if (schema.format === "uuid" || /^(id|ids|groupId|cursor)$/.test(name)) {
      return this.known.ids.length > 0 && this.#chance(0.8) ? this.#pick(this.known.ids) : this.#uuid();
    }
    if (schema.format === "date-time") {
      return new Date(Date.now() + (this.random.float() - 0.3) * 4_000).toISOString();
    }
    if (name === "wait" || name === "timeout") return "0.01";
    if (name.toLowerCase() === "prefer") {
      return this.#pick(["wait=0", "wait=1;x", "respond-async", "wait=-1"]);
    }
    const length = Math.max(schema.minLength ?? 0, Math.floor(this.random.float() * 12));
    return Array.from({ length }, () => this.#pick([..."ab1_-. é💥"])).join("");
  }

  #number(schema: Schema, type: string, name: string): number {
    // Whatever makes the service wait is kept short: there are many requests to come.
    if (/timeout|wait|Ms$|^ms$|limit|from/i.test(name)) return Math.floor(this.random.float() * 20);
    const min = schema.minimum ?? -10;
    const max = Math.min(schema.maximum ?? 100, 1_000);
    const number = min + this.random.float() * (max - min);
    return type === "integer" ? Math.floor(number) : number;
  }

  #json(value: unknown): string {
    return JSON.stringify(value, (_, one) => typeof one === "string" ? wellFormed(one) : one) ?? "";
  }

  #resolved(schema: Schema): Schema {
    if (!schema?.$ref) return schema ?? {};
    return schema.$ref.replace(/^#\//, "").split("/").reduce(
      (at: Schema, part: string) => at[part],
      this.document,
    );
  }

  #uuid(): string {
    const hex = (count: number) =>
      Array.from({ length: count }, () => Math.floor(this.random.float() * 16).toString(16)).join("");
    return `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
  }

  #pick<T>(list: readonly T[]): T {
    return this.random.pick(list);
  }

  #chance(share: number): boolean {
    return this.random.chance(share);
  }
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}

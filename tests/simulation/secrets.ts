// What the checker knows of parts of inputs that a definition redacts, and of results that are not kept.

import { isForgotten, type Stored } from "../../runtime/core/task.ts";
import type { Change, Row } from "./fake_kv.ts";
import { recordIn } from "./stored_row.ts";

/** Where it stands in an input. */
export const SECRET_AT = "/secret";
const SECRET = "secret-";
/** Characters that are told of what stands beside a secret. */
const AROUND = 120;
const REDACTED = "[redacted]";

export function secretOf(n: number): string {
  return `${SECRET}${n}`;
}

export class Secrets {
  constructor(
    private readonly tasks: ReadonlyMap<string, Stored>,
    private readonly violated: (invariant: string, what: string) => void,
  ) {}

  applied(changes: Change[]): void {
    for (const { key, after } of changes) {
      if (after === null) continue;
      if (key[0] === "task") this.#task(after);
      else if (key[0] !== "blob") this.shown(textOf(after.value), key.join("/"));
    }
  }

  /** Somebody can read this who may not know an input. */
  shown(text: string, what: string): void {
    const at = text.indexOf(SECRET);
    if (at === -1) return;
    this.violated(
      "22",
      `a secret is told: …${text.slice(Math.max(0, at - AROUND), at + AROUND)}… of ${what}`,
    );
  }

  /** Nothing of its result is kept. */
  isIgnored(id: string): boolean {
    const stored = this.tasks.get(id);
    return stored !== undefined && !isForgotten(stored) && stored.ignoreResult === true;
  }

  #task(row: Row): void {
    const record = recordIn(row);
    if (record === null) return;
    // What is to stand in its place has inputs of its own.
    const { id, input, replacement: _, ignoreResult, result, ...rest } = record;
    this.shown(textOf(rest), id);
    if ("json" in input && input.json.includes(REDACTED)) {
      this.violated("22", `${id} is given what is meant for readers`);
    }
    if (ignoreResult && result !== null && !("json" in result && result.json === "null")) {
      this.violated("ignore-result", `${id} has a result, and none is to be kept`);
    }
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part) ?? "";
}

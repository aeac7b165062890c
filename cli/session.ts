// One command: its global options, the service that it speaks to, and its output.

import type { Client } from "../client/mod.ts";
import { exactly } from "../runtime/core/exact_number.ts";
import type { Io } from "./io.ts";
import type { Target } from "./profiles.ts";
import { type Column, fieldsOf, tableOf } from "./output/table.ts";
import { visible, visibleJson } from "./output/terminal_text.ts";

export interface Globals {
  output: "table" | "json";
  url?: string;
  profile?: string;
  /** Milliseconds. */
  tryFor?: number;
}

/** How long a call is tried while the service does not answer. */
const TRY_MS = 3_000;
/** A wait outlives a restart of the service. */
const WAIT_TRY_MS = 60_000;

export class Session {
  /** What is called; null before the first call. */
  target: Target | null = null;

  constructor(readonly io: Io, readonly globals: Globals) {}

  get isJson(): boolean {
    return this.globals.output === "json";
  }

  /** Where the service is. */
  async aim(): Promise<Target> {
    const { readProfiles, targetOf } = await import("./profiles.ts");
    return this.target ??= targetOf(this.globals, this.io.env, await readProfiles(this.io.env));
  }

  /** @param waits for what may take longer than a restart of the service */
  async client({ waits = false } = {}): Promise<Client> {
    const [{ url, key }, { Client }] = await Promise.all([this.aim(), import("../client/mod.ts")]);
    const forMs = this.globals.tryFor ?? (waits ? WAIT_TRY_MS : TRY_MS);
    return new Client({ url, token: key, retry: { forMs }, log: (message) => this.say(message) });
  }

  /** For people, beside the result. */
  say(text: string): void {
    this.io.err(`${visible(text)}\n`);
  }

  line(text: string): void {
    this.io.out(`${visible(text)}\n`);
  }

  /** One value, on lines of its own. */
  json(value: unknown): void {
    this.io.out(`${visibleJson(JSON.stringify(value ?? null, exactly, 2))}\n`);
  }

  /** One value on one line. */
  jsonLine(value: unknown): void {
    this.io.out(`${visibleJson(JSON.stringify(value ?? null, exactly))}\n`);
  }

  fields(fields: Parameters<typeof fieldsOf>[0]): void {
    this.io.out(fieldsOf(fields));
  }

  /** A JSON list, written as it is read, or a table. `none` is told in place of a table without rows. */
  async list<Row>(
    rows: AsyncIterable<Row> | Iterable<Row>,
    columns: readonly Column<Row>[],
    none: string,
    width: number | null = this.io.columns(),
  ): Promise<void> {
    if (!this.isJson) {
      const all = await Array.fromAsync(rows);
      if (all.length === 0) return this.say(none);
      return this.io.out(tableOf(columns, all, width));
    }
    let isFirst = true;
    for await (const row of rows) {
      this.io.out(`${isFirst ? "[" : ","}\n${visibleJson(JSON.stringify(row, exactly))}`);
      isFirst = false;
    }
    this.io.out(isFirst ? "[]\n" : "\n]\n");
  }
}

// What can be submitted to the service.

import type { SignalOptions } from "../canvas/options.ts";
import type { Expected } from "../protocol/wire.ts";
import type { Pause } from "../queues/queues.ts";
import type { Connection } from "../transport/connection.ts";

export interface DefinitionInfo {
  name: string;
  description: string | null;
  /** Of its function, where it says one. */
  version?: string;
  /** JSON Pointers to what of an input is not shown. */
  redact?: string[];
  /** JSON Schema 2020-12. */
  input: Record<string, unknown>;
  output: Record<string, unknown>;
  runsOn: "inline" | "thread";
  /** Of the options of a submit. */
  defaults: Record<string, unknown>;
  paused: Pause | null;
}

const DEFINITIONS: Expected = {
  what: "the definitions",
  is: (body) => Array.isArray((body as { definitions?: unknown } | null)?.definitions),
};

/** `errand.definitions`. */
export class DefinitionList {
  constructor(private readonly connection: Connection) {}

  /** By name. */
  async list({ signal }: SignalOptions = {}): Promise<DefinitionInfo[]> {
    const call = { method: "GET", path: "/v1/definitions", expects: DEFINITIONS, signal } as const;
    return (await this.connection.http.call(call)).body.definitions;
  }
}

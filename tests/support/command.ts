// The program `errand` inside the test's own process: what a command writes, and its exit code.

import assert from "node:assert/strict";
import { run } from "../../cli/run.ts";
import type { Io } from "../../cli/io.ts";

export interface Outcome {
  code: number;
  out: string;
  err: string;
  // deno-lint-ignore no-explicit-any -- whatever the command says
  json: () => any;
}

export interface CommandOptions {
  env?: Record<string, string>;
  input?: string;
  columns?: number;
  now?: number;
}

/** A command in a world of its own: no profiles, no terminal. */
export async function command(args: string[], options: CommandOptions = {}): Promise<Outcome> {
  const { env = {}, input = "", columns = null, now } = options;
  let [out, err] = ["", ""];
  const io: Io = {
    env: { ERRAND_CONFIG: "/nowhere/errand.json", ...env },
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    input: () => Promise.resolve(input),
    columns: () => columns,
    rows: () => columns === null ? null : 24,
    colors: false,
    now: () => now ?? Date.now(),
    onInterrupt: () => () => {},
    onKey: () => () => {},
  };
  const code = await run(args, io);
  const json = () => {
    assert.notEqual(out, "", err);
    return JSON.parse(out);
  };
  return { code, out, err, json };
}

/** Commands to one service. */
export function commandsTo(url: string, key?: string) {
  const env: Record<string, string> = { ERRAND_URL: url, ...key !== undefined && { ERRAND_KEY: key } };
  return (args: string[], options: CommandOptions = {}): Promise<Outcome> =>
    command(args, { ...options, env: { ...env, ...options.env } });
}

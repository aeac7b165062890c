// What a handler gets, without an engine: it notes down what the handler says.

import type { z } from "zod";
import type { AnyDefinition, Definition, TaskContext } from "../../runtime/core/define.ts";
import { DEFAULT_RETRY } from "../../runtime/core/retry.ts";

export interface ContextOptions {
  signal?: AbortSignal;
  attempt?: number;
}

/** Calls, in order, with their arguments. */
export interface Said {
  progress: [current: number, total?: number, message?: string][];
  logs: [message: string, data?: unknown][];
  chunks: unknown[];
}

export function aContext<Input>(
  task: string,
  input: Input,
  options: ContextOptions = {},
): { context: TaskContext<Input>; said: Said } {
  const said: Said = { progress: [], logs: [], chunks: [] };
  const context: TaskContext<Input> = {
    input,
    task: {
      id: crypto.randomUUID(),
      task,
      maxAttempts: 1,
      queue: "default",
      priority: 0,
      tags: [],
      metadata: {},
      groupId: null,
      parentId: null,
      ignoreResult: false,
      createdAt: new Date().toISOString(),
      token: crypto.randomUUID(),
      timeoutMs: null,
      softTimeoutMs: null,
      retry: DEFAULT_RETRY,
      maxCrashes: 3,
      retentionMs: 1,
      failureRetentionMs: 1,
      nextPauseMs: null,
    },
    attempt: options.attempt ?? 1,
    signal: options.signal ?? new AbortController().signal,
    progress: (...progress) => void said.progress.push(progress),
    log: (...line) => void said.logs.push(line),
    emit: (chunk) => void said.chunks.push(chunk),
    submit: () => Promise.reject(new Error("there is no engine here")),
    addToGroup: () => Promise.reject(new Error("there is no engine here")),
  };
  return { context, said };
}

/** Runs a handler as the engine does: the input goes through its schema, and so does the result. */
export async function runTask<Name extends string, Input extends z.ZodType, Output extends z.ZodType>(
  definition: Definition<Name, Input, Output>,
  input: unknown,
  options: ContextOptions = {},
): Promise<{ result: z.output<Output>; said: Said }> {
  const { context, said } = aContext(definition.name, definition.input.parse(input), options);
  const result = definition.output.parse(await definition.handler(context));
  return { result, said };
}

/** The messages with which a definition refuses an input; none if it takes it. */
export function refusals(definition: AnyDefinition, input: unknown): string[] {
  const parsed = definition.input.safeParse(input);
  return parsed.success ? [] : parsed.error.issues.map((issue: z.core.$ZodIssue) => issue.message);
}

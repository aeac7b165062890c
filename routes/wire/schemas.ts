// The wire, as zod schemas: what requests are checked against and what the OpenAPI document says.

import { z } from "zod";
import { ENDS } from "../../runtime/core/condition_terms.ts";
import { once } from "../../runtime/core/once.ts";
import { STATE_TYPES, STATES } from "../../runtime/core/states.ts";

export const instant = once(() => z.iso.datetime());
const json = once(() => z.unknown().describe("Any JSON value."));

export const stateType = once(() => z.enum(STATE_TYPES as [string, ...string[]]));
const stateName = once(() => z.enum(Object.values(STATES).flat() as [string, ...string[]]));

export const stateSchema = once(() =>
  z.object({
    type: stateType(),
    name: stateName(),
    message: z.string().nullable(),
    at: instant(),
  }).meta({ id: "State" })
);

const historyEntry = once(() =>
  stateSchema().extend({ seq: z.int(), attempt: z.int() }).meta({ id: "HistoryEntry" })
);

export const errorSchema: () => z.ZodType = once((): z.ZodType =>
  z.object({
    name: z.string(),
    message: z.string(),
    cause: z.lazy(() => errorSchema()).optional(),
    errors: z.array(z.lazy(() => errorSchema())).optional().describe("Of an AggregateError."),
    stack: z.string().optional(),
    retryable: z.boolean(),
    status: z.int().optional().describe("With which an HTTP call was answered, where the error says so."),
  }).meta({ id: "TaskError" })
);

// Not `nullable()`: the document would say that the error itself may be null, and so may its cause.
const errorOrNull = once(() => z.union([errorSchema(), z.null()]));

const conditionSchema = once(() =>
  z.union([
    z.object({
      task: z.uuid(),
      on: z.array(z.enum(ENDS)).optional().describe("Left out: any end."),
      optional: z.boolean().optional(),
    }),
    z.object({
      anyOf: z.array(z.uuid()),
      count: z.int(),
      on: z.array(z.enum(ENDS)),
      cancelRest: z.boolean().optional(),
      met: z.array(z.uuid()).optional().describe("Those with which it started."),
    }),
  ]).meta({ id: "WaitCondition" })
);

const summaryShape = once(() => ({
  id: z.uuid(),
  task: z.string(),
  queue: z.string(),
  state: stateSchema(),
  done: z.boolean().describe("It has ended, in whatever state."),
  attempt: z.int(),
  maxAttempts: z.int(),
  error: errorOrNull(),
  progress: z.object({
    current: z.number(),
    total: z.number().nullable(),
    message: z.string().nullable(),
  }).nullable(),
  priority: z.int(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), json()),
  groupId: z.uuid().nullable(),
  parentId: z.uuid().nullable(),
  waitFor: z.array(z.uuid()),
  node: z.string().nullable().describe("Its name in a flow."),
  conditions: z.array(conditionSchema()).optional()
    .describe("How some of the tasks that it waits for must end, where they need not complete."),
  resultIgnored: z.literal(true).optional().describe("Only of a task whose result is not kept."),
  displayName: z.string().optional().describe("What people call it, if it has such a name."),
  version: z.string().optional().describe("Of its definition, if that has one, when it was submitted."),
  replacedBy: z.uuid().optional().describe("Of a task in whose place others are: their group."),
  cachedFrom: z.uuid().optional().describe("Of a task that is COMPLETED Cached: whose result it got."),
  rerunOf: z.uuid().optional().describe("Of a task that was made from an ended one by rerun: that one."),
  compensates: z.uuid().optional().describe("Of a compensation: the task that it takes back."),
  compensatedBy: z.string().optional().describe(
    "The definition that takes it back if its group does not complete.",
  ),
  traceparent: z.string().optional().describe(
    "W3C trace context of its submit, or of the call that made it.",
  ),
  tracestate: z.string().optional().describe("What came with it, to be passed on."),
  schedule: z.object({ name: z.string(), scheduledFor: instant() }).optional()
    .describe("Of a task that a schedule has submitted: its name, and the time that the task is for."),
  createdAt: instant(),
  runAt: instant(),
  startedAt: instant().nullable(),
  finishedAt: instant().nullable(),
  expiresAt: instant().nullable(),
  links: z.object({
    self: z.string(),
    result: z.string(),
    events: z.string(),
    cancel: z.string(),
    retry: z.string(),
  }),
}));

export const summarySchema = once(() =>
  z.object({
    ...summaryShape(),
    argsRepr: z.string().nullable().optional()
      .describe("In lists: the beginning of its input, as JSON without what is redacted; null: a large one."),
    waitFor: summaryShape().waitFor.nullable().describe(
      "Null if they are too many for a list; the task has them.",
    ),
  }).meta({ id: "TaskSummary" })
);

const matches = once(() =>
  z.array(z.union([z.string(), z.object({ status: z.union([z.int(), z.string()]) })]))
);

export const taskSchema = once(() =>
  z.object({
    ...summaryShape(),
    input: json().describe("Without what its definition redacts."),
    result: json().describe("Only in COMPLETED; a function that returned nothing gives null."),
    timeoutMs: z.int().nullable().describe("Longest time of one attempt."),
    softTimeoutMs: z.int().nullable().describe("When its function is told that its time is nearly over."),
    retry: z.object({
      maxAttempts: z.int(),
      delayMs: z.int(),
      factor: z.number(),
      maxDelayMs: z.int(),
      jitter: z.boolean(),
      delaysMs: z.array(z.int()).optional(),
      on: matches().optional(),
      notOn: matches().optional(),
      untilMs: z.int().optional(),
    }).meta({ id: "TaskRetry" }),
    maxCrashes: z.int(),
    retentionMs: z.int(),
    failureRetentionMs: z.int(),
    nextPauseMs: z.int().nullable().describe(
      "How long it will pause if the present attempt fails (with jitter at most so long), or how long the " +
        "pause is that it is in. Null if no other attempt will follow.",
    ),
    history: z.array(historyEntry()),
  }).meta({ id: "Task" })
);

export const problemSchema = once(() =>
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
  }).meta({ id: "Problem" })
);

export const resultSchema = once(() =>
  z.object({
    id: z.uuid(),
    state: stateSchema(),
    result: json().optional(),
    resultIgnored: z.literal(true).optional().describe("Only of a task whose result is not kept."),
    error: errorOrNull().optional(),
  }).meta({ id: "TaskResult" })
);

/** Answers with a body. */
export function jsonAnswer(schema: z.ZodType, description: string, headers: string[] = []) {
  return { description, headers: headersOf(headers), content: { "application/json": { schema } } };
}

/** A stream of events. It has no schema: tools do not agree on what it would describe. */
export function sseAnswer(description: string) {
  return { description, content: { "text/event-stream": {} as { schema: z.ZodType } } };
}

/** Problem answers by status. Any call may be 503. */
export function problems<Status extends number>(descriptions: Record<Status, string>) {
  const content = { "application/problem+json": { schema: problemSchema() } };
  const all = { ...descriptions, 503: "unavailable: the database does not answer" };
  return Object.fromEntries(
    Object.entries<string>(all).map(([status, description]) => [status, { description, content }]),
  ) as unknown as Record<Status, { description: string; content: typeof content }>;
}

function headersOf(names: string[]) {
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, { schema: { type: "string" as const } }]));
}

/** What every call with a JSON body may answer. */
export const bodyProblems = {
  400: "malformed-json",
  408: "The body was not complete in time",
  413: "payload-too-large",
  415: "The body is no application/json",
  422: "validation-failed, unknown-definition or idempotency-mismatch: see errors",
} as const;

/** What a call without a body and parameters may answer. */
export const noParameters = { 422: "It takes no parameters" } as const;

/** What every call that is held open may answer. */
export const heldProblems = { 429: "rate-limited: too many streams and waits are open" } as const;

export const idParams = once(() =>
  z.object({
    id: z.uuid().toLowerCase(),
  })
);

export const LONGEST_TIMEOUT_SECONDS = 30 * 24 * 60 * 60;

/** A stream's own deadline: no limit, as no request is repeated for it. */
export const timeoutSeconds = once(() => z.number().min(0).max(LONGEST_TIMEOUT_SECONDS));

/** In place of a key, for an `EventSource`, which can send no headers. */
export const ticketQuery = once(() => z.string().max(200).optional().describe("From POST /v1/tickets."));

/** Where a list of ids belongs. */
export const IN_IDS = 'in {"ids": […]}';

export const ids = once(() => z.array(z.uuid().toLowerCase()).min(1).max(1_000));

export const idempotencyHeader = once(() =>
  z.object({
    "idempotency-key": z.string().min(1).max(255).optional()
      .describe("The same key with the same body within 24 h gets the first answer again."),
  })
);

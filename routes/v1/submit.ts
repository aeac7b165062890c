// POST /v1/tasks and /v1/tasks/batch: submit one task, or many at once.

import { z } from "zod";
import type { Context } from "hono";
import { createRoute, faultOfNoQuery } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { parseBounded } from "../../runtime/core/bounded_parse.ts";
import { ForgottenError, NotFoundError } from "../../runtime/core/errors.ts";
import { faultsOf } from "../../runtime/core/zod_faults.ts";
import type { CallersSubmit, CallerView, Runtime, Submitted } from "../../runtime/mod.ts";
import { groupOptionsSchema } from "../../runtime/core/group_policy.ts";
import { inOptions, submissionSchema } from "../../runtime/core/submission.ts";
import { type Entry, isTerminal } from "../../runtime/core/task.ts";
import type { App } from "../http/app_types.ts";
import { type BodyOptions, jsonBody, readJson } from "../http/body.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { mayRead, viewOf } from "../access/guard.ts";
import { prefixOf } from "../http/prefix.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";
import { ProblemError, validationFailed } from "../http/problem.ts";
import { appliedPreference, preferredWaitMs } from "./prefer.ts";
import { bodyProblems, idempotencyHeader, jsonAnswer, problems, taskSchema } from "../wire/schemas.ts";
import type { Slots } from "../http/connection_limit.ts";
import { ENVELOPE_BYTES, mostBytesOfMany, submittedTexts, toldBytes } from "../wire/submitted_json.ts";
import { taskHeaders, taskText } from "../wire/task_json.ts";
import type { Pieces } from "../http/pieces.ts";

const MOST_IN_A_BATCH = 1_000;

const submission = once(() => submissionSchema().meta({ id: "Submission" }));

const inGroup = () => ["onFailure", "maxFailures"];

const inEachTask = () => ({
  ...Object.fromEntries(Object.keys(inOptions()).map((field) => [field, "in the options of each task"])),
  ...Object.fromEntries(["task", "input", "id"].map((field) => [field, "in each of tasks"])),
});

const batchSchema = once(() =>
  strictObject(
    {
      tasks: z.array(submission()).min(1).max(MOST_IN_A_BATCH),
      group: z.boolean().optional().describe("Make a group of them, to wait for or stream them together."),
      options: strictObject({ group: groupOptionsSchema().optional() }, inEachTask()).optional()
        .describe("A policy for the group that they are then made, too."),
    },
    { ...inEachTask(), ...Object.fromEntries(inGroup().map((field) => [field, "in options.group"])) },
    'in {"tasks": […]}',
  ).superRefine(({ group, options }, context) => {
    if (group !== false || options?.group === undefined) return;
    const message = "not together with group: false, as what is no group has no policy";
    context.addIssue({ code: "custom", path: ["options", "group"], message });
  }).meta({ id: "BatchSubmission" })
);

const noQuery = once(() => strictObject({}, { wait: "in the header Prefer, as in Prefer: wait=5" }));

const preferHeader = once(() =>
  idempotencyHeader().extend({
    prefer: z.string().optional().describe(
      "`wait=N`: answer with the ended task if it ends within N seconds. Passed over for a key without `read`.",
    ),
  })
);

export function submitRoutes(app: App, runtime: Runtime, slots: Slots, pieces: Pieces): void {
  const one = createRoute({
    method: "post",
    path: "/v1/tasks",
    operationId: "submitTask",
    summary: "Submit a task",
    tags: ["submit"],
    request: () => ({
      headers: preferHeader(),
      body: {
        required: true,
        content: { "application/json": { schema: submission() } },
      },
    }),
    responses: () => ({
      200: jsonAnswer(
        taskSchema(),
        "It ended within `Prefer: wait`; or another task has its unique key, and is the answer",
        ["Preference-Applied", "Errand-Deduplicated"],
      ),
      202: jsonAnswer(taskSchema(), "It is on disk and will run", ["Location", "Retry-After"]),
      ...problems({
        ...bodyProblems,
        409: "The id or the unique key is taken, or the same Idempotency-Key is under way",
        429: "queue-full",
      }),
    }),
  });
  // The document describes the hottest path, but it skips the validators: they cost a tenth of a task.
  app.operations.push(one);
  const limitBytes = runtime.maxInputBytes + ENVELOPE_BYTES;
  app.post(one.path, async (c) => {
    const fault = faultOfNoQuery(c, app, one.path, noQuery);
    if (fault) throw new ProblemError(fault);
    const view = viewOf(c, runtime);
    using room = pieces.room(c);
    const submitted = await submitOne(c, view, { limitBytes, turns: runtime.turns });
    const { entries: [entry] } = submitted;
    const id = bare(entry.record.id);
    // To read it from the answer's Location takes longer: Deno sends headers that nobody has read faster.
    if (c.get("key")) c.set("audited", id);
    // RFC 7240: a preference that cannot be honored is ignored.
    const waitMs = mayRead(c) ? preferredWaitMs(c.req.header("prefer")) : null;
    const prefix = prefixOf(c);
    const newest = waitMs === null ? null : await waitIfPossible(c, view, slots, entry, waitMs);
    const text = newest && await taskText(runtime, newest, prefix);
    // Without room for its result it is told as it was stored.
    const waited = text !== null && room.fits(text.length) ? newest : null;
    const location = `${prefix}/v1/tasks/${id}`;
    const headers = { ...submitHeaders(submitted, waited && waitMs), location, "retry-after": "1" };
    const task = waited ? text! : await taskText(runtime, entry, prefix);
    if (!waited || !isTerminal(waited.record)) {
      // Not accepted for later: it was there, or its result.
      const status = submitted.deduplicated > 0 || isTerminal(entry.record) ? 200 : 202;
      return room.json(task, status, { ...headers, ...etag(waited ?? entry) });
    }
    const { "retry-after": _retry, location: _location, ...rest } = headers;
    return room.json(task, 200, { ...rest, ...taskHeaders(waited) });
  });

  const batch = createRoute({
    method: "post",
    path: "/v1/tasks/batch",
    operationId: "submitBatch",
    summary: "Submit up to 1000 tasks, all or none",
    tags: ["submit"],
    middleware: jsonBody({ limitBytes: mostBytesOfMany(runtime), turns: runtime.turns }),
    request: () => ({
      headers: idempotencyHeader(),
      body: { required: true, content: { "application/json": { schema: batchSchema() } } },
    }),
    responses: () => ({
      202: jsonAnswer(
        z.object({ tasks: z.array(taskSchema()), groupId: z.uuid().nullable() }).meta({ id: "Batch" }),
        "All are on disk and will run",
      ),
      ...problems({
        ...bodyProblems,
        409: "An id or a unique key is taken, or the same Idempotency-Key is under way",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(batch, async (c) => {
    const { tasks, group, options } = c.req.valid("json");
    const policy = options?.group;
    const text = await c.req.text();
    using room = pieces.room(c, toldBytes(text.length));
    const call: CallersSubmit = {
      batch: { submissions: tasks, pointerOf: (index, part) => `/tasks/${index}${part}` },
      group: group || policy !== undefined,
      policy,
      idempotency: await idempotencyOf(c, text),
    };
    const submitted = await viewOf(c, runtime).submit(call);
    const { ids, groupId } = submitted;
    c.set("audited", groupId === null ? `${bare(ids[0])} and ${ids.length - 1} more` : bare(groupId));
    const turn = runtime.turns.begin();
    const texts = await submittedTexts(runtime, submitted, prefixOf(c), turn);
    const end = `],"groupId":${JSON.stringify(groupId && bare(groupId))}}`;
    return await room.jsonOf(turn, ['{"tasks":[', ...texts, end], 202, submitHeaders(submitted, null));
  });
}

function submitHeaders(
  submitted: Pick<Submitted, "replayed" | "deduplicated">,
  waitMs: number | null,
): Record<string, string> {
  return {
    ...beforeHeaders(submitted),
    ...(waitMs === null ? {} : { "preference-applied": appliedPreference(waitMs), vary: "Prefer" }),
  };
}

/** The task after the wait. Null if there is no room for another wait, or the key has ended: it is stored. */
async function waitIfPossible(
  c: Context,
  view: CallerView,
  slots: Slots,
  entry: Entry,
  waitMs: number,
): Promise<Entry | null> {
  try {
    return await slots.during(c, waitMs, (signal) => newestOf(view, entry, waitMs, signal));
  } catch (error) {
    if (error instanceof ProblemError) return null;
    throw error;
  }
}

/** The task after the wait. The task of a replayed call may be gone: then its first answer is given again. */
async function newestOf(view: CallerView, entry: Entry, waitMs: number, signal: AbortSignal): Promise<Entry> {
  try {
    return await view.task(bare(entry.record.id), waitMs, signal);
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof ForgottenError) return entry;
    throw error;
  }
}

/** An entry of a replay has no version. */
function etag(entry: Entry): Record<string, string> {
  return entry.versionstamp === "" ? { "cache-control": "no-store" } : taskHeaders(entry);
}

/** Its body is let go of as soon as the task is stored, however long the caller waits for its end. */
async function submitOne(c: Context, view: CallerView, options: BodyOptions) {
  using body = await readJson(c, options);
  const { text, value } = body;
  const parsed = parseBounded(submissionSchema(), value);
  if (!parsed.success) throw new ProblemError(validationFailed(faultsOf(parsed.error, value)));
  return await view.submit({
    batch: { submissions: [parsed.data], pointerOf: (_, part) => part },
    idempotency: await idempotencyOf(c, text),
  });
}

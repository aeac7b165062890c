// Schedules on the wire.

import { z } from "zod";
import { once } from "../../runtime/core/once.ts";
import { configShape, isoAt, type ScheduleView } from "../../runtime/mod.ts";
import type { Registry } from "../../runtime/core/registry.ts";
import type { Text } from "../http/json_response.ts";
import { shownInput } from "./shown_input.ts";

const instant = once(() => z.iso.datetime());

const summaryShape = once(() => ({
  name: z.string(),
  task: z.string(),
  options: configShape().options,
  spec: configShape().spec,
  exclude: z.array(z.unknown()),
  startAt: z.string().nullable(),
  endAt: z.string().nullable(),
  windowMs: z.int(),
  overlap: z.string(),
  catchupMs: z.int(),
  pauseOnFailure: z.boolean(),
  remaining: z.int().nullable().describe("Times that it will fire yet; null: no bound."),
  note: z.string().nullable(),
  paused: z.object({ note: z.string().nullable(), since: instant(), by: z.string().nullable() }).nullable(),
  next: z.array(instant()).describe(
    "The next five times, without what windowMs moves them. None while it is paused.",
  ),
  nextFiresAt: instant().nullable().describe("When it fires for the first of these."),
  last: z.object({ scheduledFor: instant(), taskId: z.uuid() }).nullable(),
  running: z.array(z.uuid()).describe("Tasks of it that have not ended; of very many the newest."),
  fired: z.int(),
  skipped: z.int().describe("Times that were passed over: by overlap, after catchupMs, or for a fault."),
  fault: z.object({ scheduledFor: instant(), message: z.string() }).nullable()
    .describe("Why a time could not be fired: the last one."),
  declaredBy: z.string().nullable().describe(
    "The definition whose code says it; null: it was made by a call.",
  ),
  createdAt: instant(),
  updatedAt: instant(),
  links: z.object({ self: z.string(), trigger: z.string(), pause: z.string(), resume: z.string() }),
}));

export const scheduleSummarySchema = once(() => z.object(summaryShape()).meta({ id: "ScheduleSummary" }));
export const scheduleSchema = once(() =>
  z.object({ ...summaryShape(), input: configShape().input }).meta({
    id: "Schedule",
  })
);

/** @param registry Null: without its input. */
export function scheduleText(
  { record, paused, upcoming, running }: ScheduleView,
  prefix: string,
  registry: Registry | null,
): Text {
  const { name, last, fault, left, dueAt, input } = record;
  const self = `${prefix}/v1/schedules/${name}`;
  const { task, options, spec, exclude = [], startAt = null, endAt = null } = record;
  const { windowMs, overlap, catchupMs, pauseOnFailure, note } = record;
  const { fired, skipped, declaredBy = null } = record;
  const text = JSON.stringify({
    name,
    task,
    options,
    spec,
    exclude,
    startAt,
    endAt,
    windowMs,
    overlap,
    catchupMs,
    pauseOnFailure,
    remaining: left,
    note,
    paused: paused && { ...paused, since: isoAt(paused.since) },
    next: upcoming.map(isoAt),
    nextFiresAt: paused || dueAt === null || upcoming.length === 0 ? null : isoAt(dueAt),
    last: last && { ...last, scheduledFor: isoAt(last.scheduledFor) },
    running,
    fired,
    skipped,
    fault: fault && { ...fault, scheduledFor: isoAt(fault.scheduledFor) },
    declaredBy,
    createdAt: isoAt(record.createdAt),
    updatedAt: isoAt(record.updatedAt),
    links: { self, trigger: `${self}/trigger`, pause: `${self}/pause`, resume: `${self}/resume` },
  });
  return registry ? `${text.slice(0, -1)},"input":${shownInput(registry, { task }, input)}}` : text;
}

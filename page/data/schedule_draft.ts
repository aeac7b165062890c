// A schedule as its form has it, and what of it is sent.

import type { Overlap, Schedule, ScheduleConfig, ScheduleSpec } from "./answers.ts";

/** What may be said of a schedule; what is undefined is not said. */
export type Draft =
  & { name: string; task: string; spec: ScheduleSpec[] }
  & Omit<Partial<ScheduleConfig>, "task" | "spec" | "paused">;

export const OVERLAPS: Record<Overlap, string> = {
  "skip": "the time is passed over",
  "buffer-one": "one task waits for it, further times are passed over",
  "buffer-all": "each time has its task, one after the other",
  "cancel-running": "it is cancelled, and the new one starts",
  "allow-all": "the new one starts beside it",
};

export const DEFAULT_CATCHUP_MS = 60 * 60 * 1_000;

export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

export type SpecKind = "cron" | "every" | "at";

export function kindOfSpec(spec: ScheduleSpec): SpecKind {
  return "cron" in spec ? "cron" : "everyMs" in spec ? "every" : "at";
}

/** What an entry begins with. */
export function newSpec(kind: SpecKind): ScheduleSpec {
  switch (kind) {
    case "cron":
      return { cron: "0 3 * * *", timezone: ZONE };
    case "every":
      return { everyMs: 15 * 60 * 1_000 };
    case "at":
      return { at: new Date(Math.ceil(Date.now() / 3_600_000 + 1) * 3_600_000).toISOString() };
  }
}

export function newDraft(task: string): Draft {
  return { name: "", task, spec: [newSpec("cron")] };
}

export function draftOf(schedule: Schedule): Draft {
  const { name, task, input, options, spec, exclude, startAt, endAt, windowMs, overlap, catchupMs } =
    schedule;
  return {
    name,
    task,
    input,
    options,
    spec,
    exclude: exclude.length > 0 ? exclude : undefined,
    startAt: startAt ?? undefined,
    endAt: endAt ?? undefined,
    windowMs: windowMs || undefined,
    overlap,
    catchupMs,
    pauseOnFailure: schedule.pauseOnFailure || undefined,
    remaining: schedule.remaining ?? undefined,
    note: schedule.note ?? undefined,
  };
}

export function configOf({ name: _, ...config }: Draft): Record<string, unknown> {
  return config;
}

/** What has been changed, so that what others change meanwhile stays. Null takes a field away. */
export function patchOf(before: Draft, after: Draft): Record<string, unknown> {
  const [was, is] = [configOf(before), configOf(after)];
  const fields = new Set([...Object.keys(was), ...Object.keys(is)]);
  return Object.fromEntries(
    [...fields].filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]))
      .map((field) => [field, is[field] ?? null]),
  );
}

/** An instant as `<input type="datetime-local">` has it, in the reader's zone. */
export function localOf(iso: string | undefined): string {
  if (!iso) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** Undefined for what is no instant yet. */
export function isoOfLocal(local: string): string | undefined {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

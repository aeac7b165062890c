// `errand schedule`

import type { Overlap, Schedule, ScheduleConfig, ScheduleSpec, ScheduleSummary } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { InputGiven, NoteGiven, PreviewGiven, RangeGiven, ScheduleGiven } from "../given.ts";
import { jsonArgument } from "../json_argument.ts";
import type { Column } from "../output/table.ts";
import { ago, instant, span } from "../output/times.ts";
import type { Session } from "../session.ts";

const COLUMNS: Column<ScheduleSummary>[] = [
  { title: "SCHEDULE", of: ({ name }) => name, shrinks: true },
  { title: "TASK", of: ({ task }) => task, shrinks: true },
  { title: "TIMES", of: ({ spec }) => spec.map(specText).join("; "), shrinks: true },
  { title: "NEXT (UTC)", of: ({ next }) => instant(next[0]) },
  { title: "LAST (UTC)", of: ({ last }) => instant(last?.scheduledFor) },
  { title: "RUNNING", of: ({ running }) => running.length || null },
  { title: "PAUSED", of: ({ paused }) => paused === null ? null : paused.note ?? "paused", shrinks: true },
  { title: "FAULT", of: ({ fault }) => fault?.message ?? null, shrinks: true },
];

export async function listSchedules(session: Session): Promise<ExitCode> {
  await session.list((await session.client()).schedules.list(), COLUMNS, "no schedules");
  return EXIT.done;
}

export async function showSchedule(session: Session, name: string): Promise<ExitCode> {
  return told(session, await (await session.client()).schedules.get(name));
}

export async function putSchedule(
  session: Session,
  name: string,
  config: string | undefined,
  given: ScheduleGiven,
): Promise<ExitCode> {
  const whole = await jsonArgument(config, "CONFIG", session.io);
  const [option] = Object.keys(given);
  if (whole !== undefined && option !== undefined) {
    throw new CommandError(`the config says all of it; --${option} must stand in it`);
  }
  const body = whole ?? await configOf(session, given);
  return told(
    session,
    await (await session.client()).schedules.put(name, body as ScheduleConfig<never, never>),
  );
}

async function configOf(session: Session, given: ScheduleGiven): Promise<ScheduleConfig> {
  const { task, cron = [], timezone, every, at, overlap, note } = given;
  if (task === undefined) {
    throw new CommandError("--task must say which definition; or give the whole config");
  }
  const spec: ScheduleSpec[] = cron.map((fields) => ({ cron: fields, timezone }));
  if (every !== undefined) spec.push({ everyMs: every });
  if (at !== undefined) spec.push({ at });
  if (spec.length === 0) throw new CommandError("--cron, --every or --at must say when");
  const input = await jsonArgument(given.input, "--input", session.io);
  return { task, input, spec, note, ...overlap !== undefined && { overlap: overlap as Overlap } };
}

export async function removeSchedule(session: Session, name: string): Promise<ExitCode> {
  await (await session.client()).schedules.delete(name);
  if (!session.isJson) session.line(`${name} is deleted; its tasks stay`);
  return EXIT.done;
}

export async function pauseSchedule(session: Session, name: string, { note }: NoteGiven): Promise<ExitCode> {
  return told(session, await (await session.client()).schedules.pause(name, note));
}

export async function resumeSchedule(session: Session, name: string): Promise<ExitCode> {
  return told(session, await (await session.client()).schedules.resume(name));
}

export async function triggerSchedule(
  session: Session,
  name: string,
  { input }: InputGiven,
): Promise<ExitCode> {
  const value = await jsonArgument(input, "--input", session.io);
  const { id } = await (await session.client()).schedules.trigger(name, { input: value });
  if (session.isJson) session.json({ id });
  else session.line(id);
  return EXIT.done;
}

export async function backfillSchedule(session: Session, name: string, range: RangeGiven): Promise<ExitCode> {
  const made = await (await session.client()).schedules.backfill(name, range);
  const rows = made.map(({ future: { id }, scheduledFor }) => ({ id, scheduledFor }));
  const columns = [
    { title: "FOR (UTC)", of: ({ scheduledFor }: typeof rows[0]) => instant(scheduledFor) },
    { title: "ID", of: ({ id }: typeof rows[0]) => id },
  ];
  await session.list(rows, columns, "each of these times has its task already");
  return EXIT.done;
}

export async function previewSchedule(
  session: Session,
  cron: string,
  { timezone, count }: PreviewGiven,
): Promise<ExitCode> {
  const times = await (await session.client()).schedules.preview({ spec: [{ cron, timezone }] }, { count });
  if (session.isJson) session.json(times);
  else for (const time of times) session.line(`${instant(time)}  ${ago(time, session.io.now())}`);
  return EXIT.done;
}

function told(session: Session, schedule: Schedule): ExitCode {
  if (session.isJson) session.json(schedule);
  else {
    const { paused, last, next, fault } = schedule;
    session.fields([
      ["schedule", schedule.name],
      ["task", schedule.task],
      ["input", JSON.stringify(schedule.input)],
      ["times", schedule.spec.map(specText).join("; ")],
      ["overlap", schedule.overlap],
      ["next", next.map(instant).join(", ")],
      ["last", last && `${instant(last.scheduledFor)} ${last.taskId}`],
      ["running", schedule.running.join(", ")],
      ["fired", schedule.fired],
      ["skipped", schedule.skipped || null],
      ["paused", paused && `since ${instant(paused.since)}${paused.note ? `: ${paused.note}` : ""}`],
      ["fault", fault?.message],
      ["note", schedule.note],
      ["declared by", schedule.declaredBy],
      ["times in", "UTC"],
    ]);
  }
  return EXIT.done;
}

function specText(spec: ScheduleSpec): string {
  if ("cron" in spec) return `${spec.cron}${spec.timezone ? ` ${spec.timezone}` : ""}`;
  if ("everyMs" in spec) return `every ${span(spec.everyMs)}`;
  return `at ${instant(spec.at)}`;
}

// `errand queue`, `pause` and `resume`

import type { Pause, PauseOptions, Queue } from "../../client/mod.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { PauseGiven } from "../given.ts";
import type { Column } from "../output/table.ts";
import { ago, instant } from "../output/times.ts";
import type { Session } from "../session.ts";

export async function listQueues(session: Session): Promise<ExitCode> {
  const { queues } = await session.client();
  if (!session.isJson) tellPause(session, await queues.pausedAll());
  await session.list(await queues.list(), queueColumns(session.io.now()), "no queues yet");
  return EXIT.done;
}

export function queueColumns(now: number): Column<Queue>[] {
  return [
    { title: "QUEUE", of: ({ name }) => name },
    { title: "READY", of: ({ counts }) => counts.ready },
    { title: "RUNNING", of: ({ counts }) => counts.running },
    { title: "SCHEDULED", of: ({ counts }) => counts.scheduled },
    { title: "LIMITED", of: ({ counts }) => counts.limited },
    { title: "WAITING", of: ({ counts }) => counts.waiting },
    { title: "AT ONCE", of: ({ concurrency }) => concurrency.current },
    { title: "OLDEST READY", of: ({ oldestReadyAt }) => ago(oldestReadyAt, now) },
    { title: "PAUSED", of: ({ paused }) => paused === null ? null : pauseText(paused), shrinks: true },
  ];
}

export async function showQueue(session: Session, name: string): Promise<ExitCode> {
  const queue = await (await session.client()).queues.get(name);
  if (session.isJson) session.json(queue);
  else {
    const { counts, oldestReadyAt, paused } = queue;
    session.fields([
      ["queue", queue.name],
      ...Object.entries(counts),
      ["at once", queue.concurrency.current],
      ["oldest ready", ago(oldestReadyAt, session.io.now())],
      ["paused", paused && pauseText(paused)],
    ]);
  }
  return EXIT.done;
}

export async function limitQueue(
  session: Session,
  name: string,
  most: number | null,
  { definition }: { definition?: true },
): Promise<ExitCode> {
  const { queues } = await session.client();
  const limited = await (definition ? queues.limitDefinition(name, most) : queues.limit(name, most));
  if (session.isJson) session.json({ concurrency: limited });
  else session.line(limited.current === null ? "not limited" : `${limited.current} at once`);
  return EXIT.done;
}

export async function pauseQueue(session: Session, name: string, given: PauseGiven): Promise<ExitCode> {
  return told(session, await (await session.client()).queues.pause(name, optionsOf(session, given)));
}

export async function resumeQueue(session: Session, name: string): Promise<ExitCode> {
  await (await session.client()).queues.resume(name);
  return told(session, null);
}

export async function pause(session: Session, given: PauseGiven): Promise<ExitCode> {
  const { queues } = await session.client();
  const options = optionsOf(session, given);
  const { definition } = given;
  return told(
    session,
    await (definition === undefined ? queues.pauseAll(options) : queues.pauseDefinition(definition, options)),
  );
}

export async function resume(session: Session, { definition }: PauseGiven): Promise<ExitCode> {
  const { queues } = await session.client();
  await (definition === undefined ? queues.resumeAll() : queues.resumeDefinition(definition));
  return told(session, null);
}

function optionsOf({ io }: Session, { note, for: forMs }: PauseGiven): PauseOptions {
  return { note, until: forMs === undefined ? undefined : io.now() + forMs };
}

function told(session: Session, paused: Pause | null): ExitCode {
  if (session.isJson) session.json({ paused });
  else session.line(paused === null ? "not paused" : pauseText(paused));
  return EXIT.done;
}

export function tellPause(session: Session, paused: Pause | null): void {
  if (paused !== null) session.line(`everything is ${pauseText(paused)}`);
}

function pauseText({ note, since, until, by }: Pause): string {
  const end = until === null ? "" : ` until ${instant(until)}`;
  return `paused since ${instant(since)}${end}${by ? ` by ${by}` : ""}${note ? `: ${note}` : ""}`;
}

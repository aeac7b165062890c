// `errand tail`: what happens, as it happens.

import type { Failure, LogLine, ServiceEvent, State, TaskEvent } from "../../client/mod.ts";
import { exactly } from "../../runtime/core/exact_number.ts";
import { CommandError } from "../command_error.ts";
import { codeOf, EXIT, type ExitCode } from "../exit_codes.ts";
import { dim, painted } from "../output/colors.ts";
import { visible } from "../output/terminal_text.ts";
import type { Column } from "../output/table.ts";
import { clockTime, instant } from "../output/times.ts";
import type { TailGiven } from "../given.ts";
import { progressOf } from "../output/progress.ts";
import type { Session } from "../session.ts";

export async function tail(session: Session, id: string | undefined, given: TailGiven): Promise<ExitCode> {
  if (id === undefined) return await tailAll(session, given);
  const [option] = Object.keys(given).filter((name) => name !== "after");
  if (option !== undefined) throw new CommandError(`--${option} is for all tasks; leave the id out`);
  if (given.after === undefined) return await tailTask(session, id);
  if (/^\d+$/.test(given.after)) return await tailTask(session, id, Number(given.after));
  throw new CommandError(`--after must be the number of an event; it is ${JSON.stringify(given.after)}`);
}

/** Does not end by itself. */
async function tailAll(session: Session, { group: groupId, ...rest }: TailGiven): Promise<ExitCode> {
  const client = await session.client({ waits: true });
  for await (const event of client.events({ ...rest, groupId })) {
    if (session.isJson) session.jsonLine(event);
    else session.io.out(`${transitionLine(event, session.io.colors)}\n`);
  }
  return EXIT.done;
}

function transitionLine({ event, data }: ServiceEvent, colors: boolean): string {
  if (event === "gap") return visible(data.message);
  const { id, task, state, attempt } = data;
  const why = state.message ? `: ${state.message}` : "";
  const which = attempt > 1 ? `, attempt ${attempt}` : "";
  const name = painted(visible(state.name), state.type, colors);
  return `${dim(clockTime(state.at), colors)}  ${id}  ${visible(task)}  ${name}${visible(why + which)}`;
}

/** Its code is that of the task's end. */
async function tailTask(session: Session, id: string, after?: number): Promise<ExitCode> {
  const future = (await session.client({ waits: true })).future(id);
  let last: State | null = null;
  for await (const event of future.events({ after })) {
    if (event.event === "result" || event.event === "error") last = event.data.state;
    if (session.isJson) session.jsonLine(event);
    else session.io.out(`${lineOf(event, session.io.colors)}\n`);
  }
  // Behind its last event nothing comes any more.
  const state = last ?? await future.state();
  return state === null ? EXIT.notEnded : codeOf(state.type);
}

/** `errand logs` */
export async function logs(session: Session, id: string): Promise<ExitCode> {
  const { tasks } = await session.client();
  const columns: Column<LogLine>[] = [
    { title: "AT (UTC)", of: ({ at }) => instant(at) },
    { title: "ATTEMPT", of: ({ attempt }) => attempt },
    { title: "MESSAGE", of: ({ message }) => message, shrinks: true },
    { title: "DATA", of: ({ data }) => data === null ? null : text(data), shrinks: true },
  ];
  await session.list(tasks.logs(id), columns, "nothing was logged");
  return EXIT.done;
}

function lineOf(event: TaskEvent, colors: boolean): string {
  const at = "at" in event.data && event.data.at ? event.data.at : stateOf(event)?.at;
  const time = dim(at ? clockTime(at) : "            ", colors);
  return `${time}  ${event.event.padEnd(8)}  ${textOf(event, colors)}`;
}

function stateOf({ event, data }: TaskEvent): State | null {
  return event === "result" || event === "error" ? data.state : null;
}

function textOf({ event, data }: TaskEvent, colors: boolean): string {
  switch (event) {
    case "state": {
      const why = data.message ? `: ${data.message}` : "";
      const attempt = data.attempt > 0 ? `, attempt ${data.attempt}` : "";
      return painted(visible(data.name), data.type, colors) + visible(`${why}${attempt}`);
    }
    case "progress":
      return visible(progressOf(data));
    case "log":
      return visible(
        data.data === undefined || data.data === null ? data.message : `${data.message} ${text(data.data)}`,
      );
    case "chunk":
      return visible(text(data.chunk));
    case "result":
      return visible(text(data.result));
    case "error":
      return visible(failureText(data.error) ?? `${data.state.name}: ${data.state.message ?? ""}`);
  }
}

function failureText(error: Failure | null): string | null {
  return error === null ? null : `${error.name}: ${error.message}`;
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null, exactly);
}

// How tasks end: their results, and waiting for them.

import { asCompleted, AsCompletedTimeoutError, type Task, type TaskFuture } from "../../client/mod.ts";
import { codeOf, EXIT, type ExitCode } from "../exit_codes.ts";
import type { WaitGiven } from "../given.ts";
import { painted } from "../output/colors.ts";
import { visible } from "../output/terminal_text.ts";
import type { Session } from "../session.ts";

/** `errand result` */
export async function result(
  session: Session,
  id: string,
  { wait, within }: WaitGiven,
): Promise<ExitCode> {
  const waits = wait === true || within !== undefined;
  const future = (await session.client({ waits })).future(id);
  return await tellOutcome(session, future, waits ? within : 0);
}

/** Prints the result, or throws what the task ended with. Waits for it, but no longer than `withinMs`. */
export async function tellOutcome(
  session: Session,
  future: TaskFuture,
  withinMs: number | undefined,
): Promise<ExitCode> {
  if (!session.isJson) {
    session.json(await future.result({ timeoutMs: withinMs }));
    return EXIT.done;
  }
  await future.wait({ timeoutMs: withinMs });
  const task = await future.task();
  session.json(outcomeOf(task));
  return codeOf(task.state.type);
}

/** As the service tells it at `/v1/tasks/{id}/result`. */
function outcomeOf({ id, state, result, error }: Task) {
  return { id, state, result, error };
}

/** `errand wait` */
export async function waitFor(
  session: Session,
  ids: string[],
  { within, any }: WaitGiven,
): Promise<ExitCode> {
  const client = await session.client({ waits: true });
  const futures = ids.map((id) => client.future(id));
  const codes = new Map<string, ExitCode>();
  try {
    for await (const future of asCompleted(futures, { timeoutMs: within })) {
      const task = await future.task();
      codes.set(task.id, codeOf(task.state.type));
      if (session.isJson) session.jsonLine(outcomeOf(task));
      else tellEnd(session, task);
      if (any) break;
    }
  } catch (error) {
    if (!(error instanceof AsCompletedTimeoutError)) throw error;
    session.say(error.message);
    return EXIT.notEnded;
  }
  const inOrder = futures.flatMap(({ id }) => codes.get(id) ?? []);
  return inOrder.find((code) => code !== EXIT.done) ?? EXIT.done;
}

function tellEnd({ io }: Session, { id, task, state, error }: Task): void {
  const why = error ? `${error.name}: ${error.message}` : state.message ?? "";
  const name = painted(visible(state.name), state.type, io.colors);
  io.out(`${id}  ${name}  ${visible(task)}${why === "" ? "" : `  ${visible(why)}`}\n`);
}

// `errand cancel`, `retry` and `rm`: each task by itself, and the exit code is that of the first that was not
// changed.

import type { Client, TaskFuture } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { CancelGiven, InputGiven } from "../given.ts";
import { jsonArgument } from "../json_argument.ts";
import { filterOf } from "./filter.ts";
import type { Session } from "../session.ts";

/** So many calls at a time. */
const AT_ONCE = 16;

/** @return what became of it; {@linkcode TOO_LATE} is a conflict */
type Change = (future: TaskFuture) => Promise<string>;

const TOO_LATE = "too late";

export async function cancel(session: Session, ids: string[], given: CancelGiven): Promise<ExitCode> {
  const { all, reason, grace: graceMs, children, onlyWaiting } = given;
  const how = { graceMs, children, onlyWaiting };
  const filter = filterOf(given);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  if ([ids.length > 0, isFiltered, all].filter(Boolean).length !== 1) {
    throw new CommandError(
      "ids, or options like --task, or --all must say which tasks; and one of the three alone",
    );
  }
  if (ids.length > 0) {
    return await each(session, ids, async (future) => {
      return await future.cancel(reason, how) ? "cancelled, or asked to stop" : TOO_LATE;
    });
  }
  const counts = await (await session.client()).cancelTasks(all ? { all } : { filter }, reason, how);
  if (session.isJson) session.json(counts);
  else {session.line(
      `${counts.cancelled} cancelled, ${counts.requested} asked to stop, ${counts.tooLate} too late`,
    );}
  return EXIT.done;
}

export async function retry(session: Session, ids: string[], { input }: InputGiven): Promise<ExitCode> {
  const value = await jsonArgument(input, "--input", session.io);
  return await each(session, ids, async (future) => {
    await future.retry(input === undefined ? {} : { input: value });
    return "runs again";
  });
}

export async function rerun(session: Session, id: string, { input }: InputGiven): Promise<ExitCode> {
  const value = await jsonArgument(input, "--input", session.io);
  const future = await (await session.client()).tasks.rerun(id, { input: value });
  if (session.isJson) session.json({ id: future.id, rerunOf: id, deduplicated: future.deduplicated });
  else session.line(future.id);
  return EXIT.done;
}

export async function remove(session: Session, ids: string[]): Promise<ExitCode> {
  return await each(session, ids, async (future) => {
    await future.forget();
    return "deleted";
  });
}

async function each(session: Session, ids: string[], change: Change): Promise<ExitCode> {
  const client: Client = await session.client();
  const futures = ids.map((id) => client.future(id));
  const { told } = await import("../failure.ts");
  let code: ExitCode = EXIT.done;
  for (let from = 0; from < futures.length; from += AT_ONCE) {
    const some = futures.slice(from, from + AT_ONCE);
    const outcomes = await Promise.allSettled(some.map(change));
    for (const [i, outcome] of outcomes.entries()) {
      const { id } = some[i];
      const fault = outcome.status === "rejected" ? told(outcome.reason, session.target) : null;
      const own = fault?.code ??
        (outcome.status === "fulfilled" && outcome.value === TOO_LATE ? EXIT.conflict : EXIT.done);
      if (code === EXIT.done) code = own;
      const text = fault?.lines.join("\n") ?? (outcome as PromiseFulfilledResult<string>).value;
      if (session.isJson) session.jsonLine({ id, done: own === EXIT.done, message: text });
      else if (own === EXIT.done) session.line(`${id}  ${text}`);
      else session.io.err(`errand: ${id}: ${text}\n`);
    }
  }
  return code;
}

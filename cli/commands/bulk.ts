// `errand bulk`

import type { BulkCounts, BulkFilter, BulkRequest, TaskFuture } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { BulkGiven } from "../given.ts";
import { progressOf } from "../output/progress.ts";
import type { Session } from "../session.ts";
import { filterOf } from "./filter.ts";
import { taskColumns } from "./list.ts";

export async function bulk(
  session: Session,
  what: Pick<BulkRequest, "action" | "priority">,
  ids: string[],
  given: BulkGiven,
): Promise<ExitCode> {
  const request = { ...what, ...whichOf(ids, given), reason: given.reason, graceMs: given.grace };
  const client = await session.client({ waits: given.wait });
  if (given.dryRun) {
    const preview = await client.bulk.preview(request);
    const { count: { value, exact }, samples } = preview;
    if (session.isJson) session.json(preview);
    else {
      const newest = samples.length === 0 ? "" : ". The newest ones:";
      session.line(`${exact ? "" : "at least "}${value} tasks; nothing was done${newest}`);
      if (newest !== "") await session.list(samples, taskColumns(session), "none");
    }
    return EXIT.done;
  }
  const future = await client.bulk.start(request);
  if (given.wait) return await follow(session, future);
  if (session.isJson) session.json({ id: future.id });
  else session.line(future.id);
  return EXIT.done;
}

function whichOf(ids: string[], given: BulkGiven): Pick<BulkRequest, "ids" | "filter" | "all"> {
  const { finishedAfter, finishedBefore, all } = given;
  const filter: BulkFilter = { ...filterOf(given), finishedAfter, finishedBefore };
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  if (ids.length > 0 && !isFiltered && !all) return { ids };
  if (ids.length > 0) throw new CommandError("ids, or options like --task, must say which tasks; not both");
  if (!isFiltered && !all) throw new CommandError("options like --task, or --all, must say which tasks");
  const times = [filter.createdAfter, filter.createdBefore, finishedAfter, finishedBefore];
  if (!all && times.every((time) => time === undefined)) {
    throw new CommandError(
      "without a bound in time, as --created-after 1d, it is for all that ever were: say --all with it",
    );
  }
  return { ...isFiltered && { filter }, ...all && { all } };
}

async function follow(session: Session, future: TaskFuture<BulkCounts>): Promise<ExitCode> {
  session.say(`started as ${future.id}; errand cancel ${future.id} ends it`);
  for await (const { event, data } of future.events()) {
    if (event === "progress") session.say(progressOf(data));
    if (event === "log") session.say(`${data.message} ${JSON.stringify(data.data)}`);
  }
  const counts = await future.result();
  if (session.isJson) session.json(counts);
  else session.line(`${counts.done} done, ${counts.skipped} skipped, ${counts.failed} failed`);
  return counts.failed > 0 ? EXIT.fault : EXIT.done;
}

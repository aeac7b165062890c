// `errand bulk`

import type { Command } from "commander";
import { type Declaring, examples, groupOf } from "../declaring.ts";
import type { BulkGiven } from "../given.ts";
import { duration, pastInstant, whole } from "../values.ts";
import { filtering } from "./filters.ts";

const ACTIONS = {
  cancel: "cancel all that fit",
  retry: "run all that fit again; without --state those that are FAILED or CRASHED",
  delete: "delete all that fit and have ended",
} as const;

export function bulkCommands({ program, act, io }: Declaring): void {
  const bulk = groupOf(
    program,
    "bulk",
    "one action on any number of tasks, as a task with progress",
    "errand bulk retry --task render --finished-after 1d --dry-run",
    "errand bulk cancel --tag nightly --all --wait",
  );
  const past = pastInstant(io.now);
  const choosing = (command: Command) =>
    filtering(command.argument("[id...]", "ids of tasks; without any, the options say which"), io)
      .option("--finished-after <when>", "it has ended, after this", past)
      .option("--finished-before <when>", "it has ended, before this", past)
      .option("--all", "also where the options bound no time")
      .option("--dry-run", "count them, show the first ones, and do nothing")
      .option("-w, --wait", "wait for the end of it, and tell how far it is");
  for (const action of ["cancel", "retry", "delete"] as const) {
    const command = choosing(bulk.command(action).description(ACTIONS[action]));
    if (action === "cancel") {
      command.option("-r, --reason <text>", "kept with the tasks")
        .option("--grace <time>", "how long a function may take to stop", duration);
    }
    command.addHelpText("after", examples(`errand bulk ${action} --task render --created-after 2h --dry-run`))
      .action(
        act(async (session, ids: string[], given: BulkGiven) =>
          (await import("../commands/bulk.ts")).bulk(session, { action }, ids, given)
        ),
      );
  }
  choosing(
    bulk.command("priority").description("give all that fit another priority").argument(
      "<n>",
      "-10 to 10",
      whole(-10, 10),
    ),
  )
    .addHelpText("after", examples("errand bulk priority 5 --tag urgent --all --wait"))
    .action(
      act(async (session, priority: number, ids: string[], given: BulkGiven) =>
        (await import("../commands/bulk.ts")).bulk(session, { action: "priority", priority }, ids, given)
      ),
    );
}

// `errand schedule`

import { type Declaring, examples, groupOf, listing } from "../declaring.ts";
import type { NoteGiven, PreviewGiven, RangeGiven, ScheduleGiven } from "../given.ts";
import { JSON_RULE } from "../json_argument.ts";
import { duration, instant, texts, whole } from "../values.ts";

export function scheduleCommands({ program, act }: Declaring): void {
  const schedule = groupOf(
    program,
    "schedule",
    "schedules: what submits tasks over time",
    "errand schedule",
    "errand schedule trigger nightly",
  );
  const commands = () => import("../commands/schedules.ts");
  listing(schedule).description("list schedules with their next times")
    .addHelpText("after", examples("errand schedule ls"))
    .action(act(async (session) => (await commands()).listSchedules(session)));
  schedule.command("show").description("one schedule").argument("<name>")
    .addHelpText("after", examples("errand schedule show nightly"))
    .action(act(async (session, name: string) => (await commands()).showSchedule(session, name)));
  schedule.command("put").description("make a schedule, or change it as a whole")
    .argument("<name>")
    .argument("[config]", `all of it: ${JSON_RULE}; or by the options`)
    .option("--task <name>", "the definition")
    .option("--input <json>", `its input; ${JSON_RULE}`)
    .option("--cron <fields>", "may be given again", texts)
    .option("--timezone <name>", "of --cron (UTC)")
    .option("--every <time>", "an interval", duration)
    .option("--at <instant>", "once", instant)
    .option("--overlap <what>", "skip, buffer-one, buffer-all, cancel-running, allow-all")
    .option("--note <text>")
    .addHelpText(
      "after",
      examples(
        "errand schedule put nightly --task tally --input '{\"digests\": []}' --cron '0 3 * * *' --timezone Europe/Berlin",
        "errand schedule put poll --task sleep --input '{\"ms\": 10}' --every 90s",
        "errand schedule put nightly @nightly.json",
      ),
    )
    .action(
      act(async (session, name: string, config: string | undefined, given: ScheduleGiven) =>
        (await commands()).putSchedule(session, name, config, given)
      ),
    );
  schedule.command("rm").description("delete it; its tasks stay").argument("<name>")
    .addHelpText("after", examples("errand schedule rm nightly"))
    .action(act(async (session, name: string) => (await commands()).removeSchedule(session, name)));
  schedule.command("pause").description("it fires no more").argument("<name>")
    .option("--note <text>", "why")
    .addHelpText("after", examples("errand schedule pause nightly --note 'until the move'"))
    .action(
      act(async (session, name: string, given: NoteGiven) =>
        (await commands()).pauseSchedule(session, name, given)
      ),
    );
  schedule.command("resume").description("it goes on with its next time").argument("<name>")
    .addHelpText("after", examples("errand schedule resume nightly"))
    .action(act(async (session, name: string) => (await commands()).resumeSchedule(session, name)));
  schedule.command("trigger").description("submit a task of it now; prints its id").argument("<name>")
    .option("--input <json>", `in place of its own; ${JSON_RULE}`)
    .addHelpText("after", examples("errand schedule trigger nightly"))
    .action(
      act(async (session, name: string, given: ScheduleGiven) =>
        (await commands()).triggerSchedule(session, name, given)
      ),
    );
  schedule.command("backfill").description("submit the tasks of times that have passed").argument("<name>")
    .requiredOption("--from <instant>", "the first", instant)
    .requiredOption("--to <instant>", "the last", instant)
    .addHelpText("after", examples("errand schedule backfill nightly --from 2026-11-01 --to 2026-11-08"))
    .action(
      act(async (session, name: string, given: RangeGiven) =>
        (await commands()).backfillSchedule(session, name, given)
      ),
    );
  schedule.command("preview").description("the next times of cron fields; nothing is stored")
    .argument("<cron>")
    .option("--timezone <name>", "(UTC)")
    .option("-n, --count <n>", "so many", whole(1, 100), 5)
    .addHelpText("after", examples("errand schedule preview '0 3 * * MON-FRI' --timezone Europe/Berlin"))
    .action(
      act(async (session, cron: string, given: PreviewGiven) =>
        (await commands()).previewSchedule(session, cron, given)
      ),
    );
}

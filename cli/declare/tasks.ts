// Commands about tasks.

import { STATE_TYPES } from "../../runtime/core/states.ts";
import { filtering } from "./filters.ts";
import type { CancelGiven, InputGiven, ListGiven, SubmitGiven, TailGiven, WaitGiven } from "../given.ts";
import { type Declaring, examples } from "../declaring.ts";
import { JSON_RULE } from "../json_argument.ts";
import { duration, instant, pastInstant, someOf, texts, whole } from "../values.ts";

export function taskCommands({ program, act, io }: Declaring): void {
  const past = pastInstant(io.now);

  program.command("submit").description("submit a task; prints its id, or with --wait its result")
    .argument("<name>", "a definition (errand definitions)")
    .argument("[input]", JSON_RULE)
    .option("-w, --wait", "wait for its end; the exit code says which")
    .option("--within <time>", "with --wait: no longer than this", duration)
    .option("--name <text>", "shown beside the definition in lists")
    .option("--queue <name>", "where it waits for a worker")
    .option("--priority <n>", "-10 to 10, larger first", whole(-10, 10))
    .option("--delay <time>", "start so much later", duration)
    .option("--at <instant>", "not before this instant", instant)
    .option("--ttl <time>", "not started within this: CANCELLED Expired", duration)
    .option("--timeout <time>", "longest time of one attempt", duration)
    .option("--attempts <n>", "attempts in all", whole(1))
    .option("--tag <tag>", "may be given again", texts)
    .option("--options <json>", `other options of a submit; ${JSON_RULE}`)
    .option("--id <uuid>", "an id of your own")
    .option("--idempotency-key <key>", "the same command with the same key is one task")
    .addHelpText(
      "after",
      examples(
        `errand submit add '{"a": 1, "b": 2}' --wait`,
        `ID=$(errand submit echo @input.json --tag nightly --attempts 3)`,
        `jq '{text: .body}' mail.json | errand submit digest - --queue slow`,
        `errand submit render '{}' --options '{"unique": {"key": "ann"}}'`,
      ),
    )
    .action(
      act(async (session, name: string, input: string | undefined, given: SubmitGiven) =>
        (await import("../commands/submit.ts")).submit(session, name, input, given)
      ),
    );

  program.command("result").description("print the result of a task, as JSON")
    .argument("<id>")
    .option("-w, --wait", "wait for its end")
    .option("--within <time>", "wait no longer than this", duration)
    .addHelpText("after", examples("errand result $ID --wait", "errand result $ID --within 30s | jq .total"))
    .action(
      act(async (session, id: string, given: WaitGiven) =>
        (await import("../commands/outcome.ts")).result(session, id, given)
      ),
    );

  program.command("wait").description(
    "wait until tasks have ended; the exit code is that of the first that did not complete",
  )
    .argument("<id...>", "ids of tasks")
    .option("--within <time>", "no longer than this", duration)
    .option("--any", "until the first has ended")
    .addHelpText("after", examples("errand wait $A $B", "errand wait $A $B --any --within 5m"))
    .action(
      act(async (session, ids: string[], given: WaitGiven) =>
        (await import("../commands/outcome.ts")).waitFor(session, ids, given)
      ),
    );

  program.command("show").description("all about a task: state, times, input, result, history")
    .argument("<id>")
    .addHelpText("after", examples("errand show $ID", "errand show $ID -o json | jq .history"))
    .action(act(async (session, id: string) => (await import("../commands/show.ts")).show(session, id)));

  program.command("tail").description(
    "follow a task from its first event on, or without an id all tasks from now on",
  )
    .argument("[id]")
    .option("--after <event>", "only events behind this one")
    .option("-s, --state <states>", "without an id: only these states", someOf(STATE_TYPES))
    .option("-t, --task <name>", "of this definition")
    .option("--queue <name>")
    .option("--tag <tag>")
    .option("--group <id>")
    .addHelpText(
      "after",
      examples(
        "errand tail $ID",
        `errand tail $ID -o json | jq -r 'select(.event == "log").data.message'`,
        "errand tail --state FAILED,CRASHED",
      ),
    )
    .action(
      act(async (session, id: string | undefined, given: TailGiven) =>
        (await import("../commands/tail.ts")).tail(session, id, given)
      ),
    );

  program.command("logs").description("what the function of a task has logged so far")
    .argument("<id>")
    .addHelpText("after", examples("errand logs $ID", "errand logs $ID -o json | jq -r '.[].message'"))
    .action(act(async (session, id: string) => (await import("../commands/tail.ts")).logs(session, id)));

  program.command("dependents").description("list the tasks that wait for a task, or have waited for it")
    .argument("<id>")
    .addHelpText("after", examples("errand dependents $ID"))
    .action(
      act(async (session, id: string) => (await import("../commands/list.ts")).dependents(session, id)),
    );

  filtering(program.command("ls").description("list tasks, newest first"), io)
    .option("--finished-after <when>", "it has ended, after this", past)
    .option("--finished-before <when>", "it has ended, before this", past)
    .option("--count", "print how many there are, and no tasks")
    .option("-n, --limit <n>", "so many; 0: all", whole(0), 50)
    .addHelpText(
      "after",
      examples(
        "errand ls --state FAILED,CRASHED --created-after 1d",
        "errand ls --task render --limit 0 -o json | jq -r '.[].id'",
      ),
    )
    .action(
      act(async (session, given: ListGiven) => (await import("../commands/list.ts")).list(session, given)),
    );

  const cancel = program.command("cancel")
    .description(
      "cancel tasks, by ids or all that fit: what waits does not start, what runs is asked to stop",
    )
    .argument("[id...]", "ids of tasks; without any, the options say which");
  filtering(cancel, io)
    .option("--all", "all tasks that have not ended")
    .option("-r, --reason <text>", "kept with the task")
    .option("--grace <time>", "how long a function may take to stop", duration)
    .option("--children", "and the tasks that it has submitted")
    .option("--only-waiting", "only what has not started")
    .addHelpText(
      "after",
      examples(
        "errand cancel $ID --reason 'wrong input'",
        "errand cancel --task render --state SCHEDULED,PENDING",
      ),
    )
    .action(
      act(async (session, ids: string[], given: CancelGiven) =>
        (await import("../commands/change.ts")).cancel(session, ids, given)
      ),
    );

  program.command("retry").description("run ended tasks that did not complete again, under the same ids")
    .argument("<id...>", "ids of tasks")
    .option("--input <json>", `another input; ${JSON_RULE}`)
    .addHelpText("after", examples("errand retry $ID", "errand retry $ID --input @mended.json"))
    .action(
      act(async (session, ids: string[], given: InputGiven) =>
        (await import("../commands/change.ts")).retry(session, ids, given)
      ),
    );

  program.command("rerun").description(
    "submit a new task like an ended one, also like a completed one; prints its id",
  )
    .argument("<id>")
    .option("--input <json>", `another input; ${JSON_RULE}`)
    .addHelpText("after", examples("errand rerun $ID", "errand rerun $ID --input @mended.json"))
    .action(
      act(async (session, id: string, given: InputGiven) =>
        (await import("../commands/change.ts")).rerun(session, id, given)
      ),
    );

  program.command("rm").description("delete ended tasks and all that they stored")
    .argument("<id...>", "ids of tasks")
    .addHelpText("after", examples("errand rm $ID"))
    .action(
      act(async (session, ids: string[]) => (await import("../commands/change.ts")).remove(session, ids)),
    );

  program.command("definitions").alias("defs").description("list what can be submitted")
    .argument("[name]", "one of them, with its schemas")
    .addHelpText("after", examples("errand definitions", "errand definitions add"))
    .action(
      act(async (session, name?: string) =>
        (await import("../commands/definitions.ts")).definitions(session, name)
      ),
    );
}

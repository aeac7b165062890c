// `errand queue`, `pause` and `resume`

import type { Command } from "commander";
import { type Declaring, examples, groupOf, listing } from "../declaring.ts";
import type { PauseGiven } from "../given.ts";
import { duration, whole } from "../values.ts";

const pausing = (command: Command) =>
  command.option("--note <text>", "why: shown with every task that it holds")
    .option("--for <time>", "it ends by itself after so long", duration);

export function queueCommands({ program, act }: Declaring): void {
  const queue = groupOf(
    program,
    "queue",
    "queues: what is in them, and pausing them",
    "errand queue",
    "errand queue pause gpu --note 'driver update'",
  );
  listing(queue).description("list queues with what is in them")
    .addHelpText("after", examples("errand queue ls", "errand queue ls -o json"))
    .action(act(async (session) => (await import("../commands/queues.ts")).listQueues(session)));
  queue.command("show").description("one queue").argument("<name>")
    .addHelpText("after", examples("errand queue show default"))
    .action(
      act(async (session, name: string) => (await import("../commands/queues.ts")).showQueue(session, name)),
    );
  queue.command("limit").description("so many of its tasks run at once, in all processes")
    .argument("<name>")
    .argument("<n>", "0 holds all; none takes it back", (text) => text === "none" ? null : whole(0)(text))
    .option("--definition", "the name is that of a definition")
    .addHelpText("after", examples("errand queue limit gpu 2", "errand queue limit --definition render none"))
    .action(
      act(async (session, name: string, most: number | null, given: { definition?: true }) =>
        (await import("../commands/queues.ts")).limitQueue(session, name, most, given)
      ),
    );
  pausing(queue.command("pause").description("nothing of it starts any more").argument("<name>"))
    .addHelpText("after", examples("errand queue pause gpu --note 'driver update' --for 2h"))
    .action(
      act(async (session, name: string, given: PauseGiven) =>
        (await import("../commands/queues.ts")).pauseQueue(session, name, given)
      ),
    );
  queue.command("resume").description("it goes on").argument("<name>")
    .addHelpText("after", examples("errand queue resume gpu"))
    .action(
      act(async (session, name: string) =>
        (await import("../commands/queues.ts")).resumeQueue(session, name)
      ),
    );
}

export function pauseCommands({ program, act }: Declaring): void {
  pausing(
    program.command("pause").description("pause everything, or with --definition the tasks of one")
      .option("--definition <name>"),
  )
    .addHelpText(
      "after",
      examples("errand pause --note 'moving the database'", "errand pause --definition render"),
    )
    .action(
      act(async (session, given: PauseGiven) =>
        (await import("../commands/queues.ts")).pause(session, given)
      ),
    );
  program.command("resume").description("end such a pause")
    .option("--definition <name>")
    .addHelpText("after", examples("errand resume", "errand resume --definition render"))
    .action(
      act(async (session, given: PauseGiven) =>
        (await import("../commands/queues.ts")).resume(session, given)
      ),
    );
}

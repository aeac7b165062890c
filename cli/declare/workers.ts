// `errand worker`

import { type Declaring, examples, groupOf, listing } from "../declaring.ts";

export function workerCommands({ program, act }: Declaring): void {
  const worker = groupOf(program, "worker", "workers of all processes, and what they run", "errand worker");
  listing(worker).description("list workers")
    .addHelpText("after", examples("errand worker ls", "errand worker ls -o json"))
    .action(act(async (session) => (await import("../commands/workers.ts")).listWorkers(session)));
  worker.command("tasks").description("list the tasks that run, with their workers")
    .addHelpText("after", examples("errand worker tasks"))
    .action(act(async (session) => (await import("../commands/workers.ts")).listRunning(session)));
}

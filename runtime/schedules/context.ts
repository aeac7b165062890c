import type { CommandContext } from "../commands/context.ts";
import type { Submitter } from "../commands/submit.ts";

/** What schedules work on. */
export interface ScheduleContext {
  commands: CommandContext;
  submitter: Submitter;
  /** Told when a schedule is due that this process has changed. */
  expect: (at: number) => void;
}

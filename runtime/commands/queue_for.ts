import type { DefinitionDefaults } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { Submission } from "../core/submission.ts";

export function queueFor({ options }: Pick<Submission, "options">, defaults: DefinitionDefaults): string {
  return options?.queue ?? defaults.queue ?? DEFAULT_QUEUE;
}

// The time limits of an attempt: those of the submit, else of its definition.

import type { DefinitionDefaults } from "../core/define.ts";
import { faultOfLimits } from "../core/soft_time_limit.ts";
import type { SubmitOptions } from "../core/submission.ts";

/** Tells `fault` where the soft limit is none, as the hard one comes first. */
export function checkTimeLimits(
  options: SubmitOptions | undefined,
  defaults: DefinitionDefaults,
  fault: (part: string, message: string) => void,
): void {
  const softTimeoutMs = options?.softTimeoutMs ?? defaults.softTimeoutMs;
  if (softTimeoutMs === undefined) return;
  const wrong = faultOfLimits({ softTimeoutMs, timeoutMs: options?.timeoutMs ?? defaults.timeoutMs });
  const said = options?.softTimeoutMs === undefined ? "timeoutMs" : "softTimeoutMs";
  if (wrong) fault(`/options/${said}`, wrong);
}

// The words for when a schedule submits.

import { clock, duration } from "./format.ts";
import type { ScheduleSpec } from "./answers.ts";

export function specText(spec: ScheduleSpec[]): string {
  return spec.map((each) => {
    if ("cron" in each) {
      return `${each.cron}${each.timezone ? ` (${each.timezone})` : ""}`;
    }
    if ("everyMs" in each) return `every ${duration(each.everyMs)}`;
    return `at ${clock(Date.parse(each.at))}`;
  }).join(", ");
}

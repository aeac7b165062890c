// `errand limit`

import type { LimitRule, LimitStatus, Rate } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { LimitGiven } from "../given.ts";
import type { Column } from "../output/table.ts";
import { ago, instant, span } from "../output/times.ts";
import type { Session } from "../session.ts";

const SECOND_MS = 1_000;

const LIMITS: Column<LimitStatus>[] = [
  { title: "KEY", of: ({ key }) => key, shrinks: true },
  { title: "RUNNING", of: ({ running }) => running },
  { title: "WAITING", of: ({ waiting }) => waiting },
  { title: "AT ONCE", of: ({ concurrency }) => concurrency },
  { title: "RULE", of: ({ concurrencyRule }) => concurrencyRule, shrinks: true },
  { title: "RATE", of: ({ rateLimit }) => rateText(rateLimit) },
  { title: "RATE RULE", of: ({ rateLimitRule }) => rateLimitRule, shrinks: true },
  { title: "NEXT START", of: ({ nextStartAt }) => instant(nextStartAt) },
];

export async function listLimits(session: Session, { rules }: { rules?: true }): Promise<ExitCode> {
  const { limits } = await session.client();
  if (rules) await session.list(await limits.rules(), ruleColumns(session.io.now()), "no rules");
  else await session.list(limits.list(), LIMITS, "no limit was used in the last hour");
  return EXIT.done;
}

function ruleColumns(now: number): Column<LimitRule>[] {
  return [
    { title: "PATTERN", of: ({ pattern }) => pattern, shrinks: true },
    { title: "AT ONCE", of: ({ concurrency }) => concurrency },
    { title: "RATE", of: ({ rateLimit }) => rateText(rateLimit) },
    { title: "CHANGED", of: ({ changedAt }) => ago(changedAt, now) },
    { title: "BY", of: ({ changedBy }) => changedBy },
    { title: "NOTE", of: ({ note }) => note, shrinks: true },
  ];
}

export async function showLimit(session: Session, key: string): Promise<ExitCode> {
  const status = await (await session.client()).limits.get(key);
  if (session.isJson) session.json(status);
  else {
    session.fields([
      ["key", status.key],
      ["running", status.running],
      ["waiting", status.waiting],
      ["at once", status.concurrency],
      ["by rule", status.concurrencyRule],
      ["rate", rateText(status.rateLimit)],
      ["by rule", status.rateLimitRule],
      ["next start", instant(status.nextStartAt)],
    ]);
  }
  return EXIT.done;
}

export async function setLimit(session: Session, pattern: string, given: LimitGiven): Promise<ExitCode> {
  const { concurrency, rate, period = SECOND_MS, burst, note } = given;
  if (concurrency === undefined && rate === undefined) {
    throw new CommandError("a rule must have --concurrency, --rate, or both");
  }
  if (rate === undefined && (given.period !== undefined || burst !== undefined)) {
    throw new CommandError("--period and --burst belong to --rate; give --rate too");
  }
  const rateLimit = rate === undefined ? undefined : { limit: rate, periodMs: period, burst };
  const rule = await (await session.client()).limits.set(pattern, { concurrency, rateLimit, note });
  if (session.isJson) session.json(rule);
  else session.line(`${rule.pattern}: ${ruleText(rule)}`);
  return EXIT.done;
}

export async function removeLimit(session: Session, pattern: string): Promise<ExitCode> {
  await (await session.client()).limits.remove(pattern);
  if (!session.isJson) session.line(`${pattern}: no rule any more`);
  return EXIT.done;
}

function ruleText({ concurrency, rateLimit }: LimitRule): string {
  const parts = [concurrency === null ? null : `${concurrency} at once`, rateText(rateLimit)];
  return parts.filter((part) => part !== null).join(", ");
}

function rateText(rate: Rate | null): string | null {
  if (rate === null) return null;
  const { limit, periodMs, burst } = rate;
  return `${limit} in ${span(periodMs)}${burst > 1 ? `, ${burst} at once` : ""}`;
}

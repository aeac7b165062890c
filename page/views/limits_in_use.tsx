// How far limits are used.

import type { LimitStatus, Rate } from "../data/answers.ts";
import { count, duration } from "../data/format.ts";
import { Ago, Empty, Meter } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";

export function rateText(rate: Rate | null): string {
  if (rate === null) return "–";
  return `${count(rate.limit)} in ${duration(rate.periodMs)}${
    rate.burst > 1 ? `, ${count(rate.burst)} at once` : ""
  }`;
}

export function InUse({ limits, isPart }: { limits: LimitStatus[]; isPart: boolean }) {
  if (limits.length === 0) {
    return (
      <Empty title="No limit was used">
        Tasks with <code>concurrency</code> or <code>rateLimit</code> show here.
      </Empty>
    );
  }
  return (
    <>
      <table>
        <Head
          of={["Key", { title: "Running", cells: 2 }, numbers("Waiting"), "Rate", "Next start", "Rule"]}
        />
        <tbody>
          {limits.map((limit) => (
            <tr key={limit.key}>
              <td class="mono">
                <bdi>{limit.key}</bdi>
              </td>
              <td class="nowrap">
                {count(limit.running)}
                {limit.concurrency !== null &&
                  ` of ${count(limit.concurrency)}`}
              </td>
              <td class="bar-cell">
                {limit.concurrency !== null && (
                  <Meter
                    share={limit.running / Math.max(1, limit.concurrency)}
                    label="Slots in use"
                  />
                )}
              </td>
              <td class={limit.waiting > 0 ? "num warn" : "num"}>
                {count(limit.waiting)}
              </td>
              <td>{rateText(limit.rateLimit)}</td>
              <td class="dim nowrap">
                {limit.nextStartAt === null ? "now" : <Ago at={limit.nextStartAt} />}
              </td>
              <td class="mono dim">
                <bdi>
                  {[
                    ...new Set(
                      [limit.concurrencyRule, limit.rateLimitRule].filter(
                        Boolean,
                      ),
                    ),
                  ].join(", ") || "its submits"}
                </bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {isPart && <p class="dim foot">The first {count(limits.length)}.</p>}
    </>
  );
}

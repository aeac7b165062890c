// Queues with what is in them.

import { count } from "../data/format.ts";
import { hrefOf } from "../data/route.ts";
import type { Queue } from "../data/answers.ts";
import { Ago, Meter } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { ConcurrencyButton } from "./queue_concurrency.tsx";
import { PauseButton, PausedMark } from "./pausing.tsx";

const SHORT = ["Queue", { title: "Ready", cells: 2 }, numbers("Running")];
const LONG = [
  "Queue",
  { title: "Ready", cells: 2 },
  "Oldest",
  ...["Running", "At a limit", "For others", "Later"].map(numbers),
];

export function QueueTable(
  { queues, isShort = false }: { queues: Queue[]; isShort?: boolean },
) {
  const most = Math.max(
    1,
    ...queues.map(({ counts }) => counts.ready + counts.limited),
  );
  return (
    <table>
      <Head of={isShort ? SHORT : LONG} hasActions />
      <tbody>
        {queues.map(({ name, paused, counts, oldestReadyAt, concurrency }) => (
          <tr key={name}>
            <td class="nowrap">
              <a class="link" href={`${hrefOf("tasks")}?queue=${name}`}>
                <bdi>{name}</bdi>
              </a>{" "}
              <PausedMark paused={paused} />
            </td>
            <td class="num ready">{count(counts.ready)}</td>
            <td class="bar-cell">
              <Meter share={counts.ready / most} label={`Ready in ${name}`} />
            </td>
            {!isShort && (
              <td class="dim nowrap">
                <Ago at={oldestReadyAt} />
              </td>
            )}
            <td class="num nowrap">
              {count(counts.running)}
              {concurrency.current !== null && ` of ${count(concurrency.current)}`}
            </td>
            {!isShort && <td class="num">{count(counts.limited)}</td>}
            {!isShort && <td class="num">{count(counts.waiting)}</td>}
            {!isShort && <td class="num">{count(counts.scheduled)}</td>}
            <td class="num nowrap">
              {!isShort && <ConcurrencyButton name={name} concurrency={concurrency} />}{" "}
              <PauseButton
                path={`/v1/queues/${name}`}
                what={`the queue ${name}`}
                paused={paused}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

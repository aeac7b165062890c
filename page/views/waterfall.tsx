// When a task waited, ran and paused.

import { clock, duration, exact } from "../data/format.ts";
import { now } from "../data/live.ts";
import { type Span, ticksOf, timelineOf } from "../data/timeline.ts";
import type { Task } from "../data/answers.ts";
import { Panel } from "../ui/basics.tsx";

/** Of very many attempts the last. */
const MOST_SHOWN = 24;

export function Waterfall({ task }: { task: Task }) {
  const at = task.done ? Date.parse(task.finishedAt ?? task.state.at) : now.value;
  const line = timelineOf(task.history, at);
  const until = Math.max(line.until ?? at, line.from + 1);
  const lengthMs = until - line.from;
  const shown = line.spans.slice(-MOST_SHOWN);
  const place = (ms: number) => `${Math.min(100, Math.max(0, (ms - line.from) / lengthMs * 100))}%`;
  const parts = [
    `${duration(lengthMs)}${task.done ? "" : " so far"}`,
    `waited ${duration(line.waitedMs)}`,
    line.ranMs > 0 || line.spans.some(({ kind }) => kind === "run") ? `ran ${duration(line.ranMs)}` : null,
    line.pausedMs > 0 ? `paused ${duration(line.pausedMs)}` : null,
  ];
  return (
    <Panel
      title="Timeline"
      aside={parts.filter(Boolean).join(" · ")}
      class="waterfall-panel"
    >
      <ol class="waterfall">
        {shown.length < line.spans.length && (
          <li class="dim">
            The first {line.spans.length - shown.length} are not shown.
          </li>
        )}
        {shown.map((span, i) => <Bar key={i} span={span} until={until} place={place} />)}
        <li class="ticks" aria-hidden="true">
          <span />
          <div class="track">
            {ticksOf(lengthMs).map((tick) => (
              <span
                key={tick}
                style={{ left: place(line.from + tick) }}
                title={exact(line.from + tick)}
              >
                {tick === 0 ? clock(line.from) : `+${duration(tick)}`}
              </span>
            ))}
          </div>
        </li>
      </ol>
    </Panel>
  );
}

interface BarProps {
  span: Span;
  until: number;
  place: (ms: number) => string;
}

function Bar({ span, until, place }: BarProps) {
  const end = span.until ?? until;
  const ms = duration(end - span.from);
  const text = [ms, span.note].filter(Boolean).join(" · ");
  const left = place(span.from);
  const right = place(end);
  const [from, to] = [parseFloat(left), parseFloat(right)];
  // Behind the bar if there is room; before it; or else on it.
  const where = to < 62 ? "behind" : from > 38 ? "before" : "on";
  const places = {
    behind: { left: right },
    before: { right: `${100 - from}%` },
    on: { left: `calc(${left} + 8px)` },
  };
  return (
    <li>
      <span class="label">{span.label}</span>
      <div class="track">
        <i
          class={`bar-of ${span.kind} ${span.outcome.toLowerCase()} ${span.until === null ? "open" : ""}`}
          style={{
            left,
            width: `max(3px, ${to - from}%)`,
          }}
        />
        <span
          class={`text ${where}`}
          style={places[where]}
          title={text}
        >
          <bdi>{text}</bdi>
        </span>
      </div>
    </li>
  );
}

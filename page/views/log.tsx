// What the function of a task says: its progress, its log, its partial output. It follows what comes.

import { useState } from "preact/hooks";
import { clockMs, count, exact } from "../data/format.ts";
import type { LogLine } from "../data/task_stream.ts";
import type { TaskSummary } from "../data/answers.ts";
import { Empty, Meter, Panel } from "../ui/basics.tsx";
import { CopyButton } from "../ui/json_tree.tsx";
import { VirtualRows } from "../ui/virtual_rows.tsx";

const LINE_HEIGHT = 19;
/** Of one line, until it is asked for. */
const LONGEST = 2_000;

interface LogProps {
  task: Pick<TaskSummary, "progress" | "done" | "startedAt">;
  lines: LogLine[];
  isFollowing: boolean;
}

export function Log({ task, lines, isFollowing }: LogProps) {
  const [filter, setFilter] = useState("");
  const [picked, setPicked] = useState<LogLine | null>(null);
  const wanted = filter.toLowerCase();
  const shown = wanted === "" ? lines : lines.filter((line) => textOf(line).toLowerCase().includes(wanted));
  return (
    <Panel
      class="log-panel"
      title="Log"
      aside={
        <>
          {lines.length > 20 && (
            <input
              type="search"
              aria-label="Lines with"
              placeholder="Lines with …"
              value={filter}
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          )}
          {isFollowing ? "following · " : ""}
          {count(shown.length)} lines
        </>
      }
    >
      {lines.length === 0
        ? (
          <Empty title="No lines">
            {task.startedAt === null ? "It has not started." : "The function has logged nothing."}
          </Empty>
        )
        : (
          <VirtualRows
            class="log"
            mostRows={16}
            total={shown.length}
            rowHeight={LINE_HEIGHT}
            follows={isFollowing}
            label="Log"
            role="log"
            row={(i) => <Line key={shown[i].seq} line={shown[i]} onPick={setPicked} />}
          />
        )}
      {picked && (
        <div class="picked">
          <pre tabIndex={0}><bdi>{textOf(picked)}</bdi></pre>
          <CopyButton value={textOf(picked)} />
          <button type="button" class="plain" onClick={() => setPicked(null)}>
            Close
          </button>
        </div>
      )}
      {task.progress && <ProgressLine progress={task.progress} />}
    </Panel>
  );
}

function Line(
  { line, onPick }: { line: LogLine; onPick: (line: LogLine) => void },
) {
  const at = Date.parse(line.at);
  return (
    <div class={`line ${line.kind}`} onDblClick={() => onPick(line)}>
      <time class="dim" title={exact(at)}>{clockMs(at)}</time> <span class="dim">{line.attempt}</span>{" "}
      <bdi>{textOf(line).slice(0, LONGEST)}</bdi>
      {textOf(line).length > 200 && (
        <button
          type="button"
          class="plain"
          onClick={() => onPick(line)}
        >
          whole
        </button>
      )}
    </div>
  );
}

function textOf({ message, data, kind }: LogLine): string {
  if (kind === "chunk") {
    return `▸ ${typeof data === "string" ? data : JSON.stringify(data)}`;
  }
  return data === undefined || data === null ? message : `${message} ${JSON.stringify(data)}`;
}

function ProgressLine(
  { progress: { current, total, message } }: {
    progress: NonNullable<TaskSummary["progress"]>;
  },
) {
  return (
    <div class="progress">
      {total !== null && total > 0 && <Meter share={current / total} label="Progress" />}
      <span class="dim">
        {total === null ? count(current) : `${count(current)} of ${count(total)}`}
        {message && <bdi>{` · ${message}`}</bdi>}
      </span>
    </div>
  );
}

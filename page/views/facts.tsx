// What is said about a task.

import type { ComponentChildren } from "preact";
import { duration } from "../data/format.ts";
import { hrefOf } from "../data/route.ts";
import type { Task } from "../data/answers.ts";
import { Ago, At, Panel, TaskLink } from "../ui/basics.tsx";
import { JsonTree } from "../ui/json_tree.tsx";

interface FactProps {
  name: string;
  isShown?: boolean;
  children: ComponentChildren;
}

function Fact({ name, isShown = true, children }: FactProps) {
  if (!isShown) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Facts({ task }: { task: Task & { rerunOf?: string } }) {
  const { queue, priority, timeoutMs, tags, metadata, schedule, cachedFrom, rerunOf } = task;
  const isFailed = ["FAILED", "CRASHED"].includes(task.state.type);
  return (
    <Panel title="Facts">
      <dl class="facts">
        <Fact name="Queue">
          <a class="link" href={hrefOf("queues")}>
            <bdi>{queue}</bdi>
          </a>{" "}
          · priority {priority}
        </Fact>
        <Fact name="Submitted">
          <At at={task.createdAt} />, <Ago at={task.createdAt} />
        </Fact>
        <Fact name="Runs at" isShown={task.runAt !== task.createdAt && !task.done}>
          <At at={task.runAt} />
        </Fact>
        <Fact name="Started" isShown={task.startedAt !== null}>
          <At at={task.startedAt} />
        </Fact>
        <Fact name="Ended" isShown={task.finishedAt !== null}>
          <At at={task.finishedAt} />
        </Fact>
        <Fact name="Expires" isShown={task.expiresAt !== null}>
          <At at={task.expiresAt} />
        </Fact>
        <Fact name="Time limit">{timeoutMs === null ? "none" : `${duration(timeoutMs)} an attempt`}</Fact>
        <Fact name="Attempts">{task.attempt} of {task.maxAttempts}</Fact>
        <Fact name="Next pause" isShown={!task.done && task.nextPauseMs !== null}>
          {duration(task.nextPauseMs ?? 0)}
        </Fact>
        {schedule && (
          <Fact name="Schedule">
            <a class="link" href={hrefOf("schedules", schedule.name)}>{schedule.name}</a>, for{" "}
            <At at={schedule.scheduledFor} />
          </Fact>
        )}
        {cachedFrom && (
          <Fact name="Result of">
            <TaskLink id={cachedFrom} />
          </Fact>
        )}
        {rerunOf && (
          <Fact name="Rerun of">
            <TaskLink id={rerunOf} />
          </Fact>
        )}
        <Fact name="Tags" isShown={tags.length > 0}>
          {tags.map((tag) => (
            <a key={tag} class="tag" href={`${hrefOf("tasks")}?${new URLSearchParams({ tag })}`}>
              <bdi>{tag}</bdi>
            </a>
          ))}
        </Fact>
        <Fact name="Kept">
          {duration(isFailed ? task.failureRetentionMs : task.retentionMs)} after its end
        </Fact>
        <Fact name="Metadata" isShown={Object.keys(metadata).length > 0}>
          <JsonTree value={metadata} name="Metadata" />
        </Fact>
      </dl>
    </Panel>
  );
}

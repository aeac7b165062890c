// One task: when it waited and ran, what it says, what came of it, and what belongs to it.

import { count } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { useTaskStream } from "../data/task_stream.ts";
import type { Failure, Task } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { At, Fault, Panel, Skeleton, StateMark, wordsOf } from "../ui/basics.tsx";
import { CopyButton, JsonTree } from "../ui/json_tree.tsx";
import { Facts } from "./facts.tsx";
import { Family } from "./family.tsx";
import { Log } from "./log.tsx";
import { TaskActions } from "./task_actions.tsx";
import { Waterfall } from "./waterfall.tsx";
import { Why } from "./why.tsx";

export function TaskView({ id }: { id: string }) {
  const loaded = useLoad<Task>(`/v1/tasks/${id}`, { everyMs: 2_000 });
  const stream = useTaskStream(id, loaded.reload);
  const task = loaded.value;
  if (task === null) {
    return (
      <>
        <Bar title="Task" />
        {loaded.error ? <Fault error={loaded.error} retry={loaded.reload} /> : (
          <Panel title="Timeline">
            <Skeleton lines={8} />
          </Panel>
        )}
      </>
    );
  }
  const live = { ...task, progress: stream.progress ?? task.progress };
  return (
    <>
      <Bar title={<bdi>{task.displayName ?? task.task}</bdi>}>
        {task.displayName && <bdi class="dim">{task.task}</bdi>}
        <StateMark
          state={task.state}
          extra={task.attempt === 0 ? "" : ` · attempt ${task.attempt} of ${task.maxAttempts}`}
        />
        <span class="spacer" />
        <TaskActions task={task} />
      </Bar>
      <p class="ident">
        <span class="mono dim">{task.id}</span> <CopyButton value={task.id} />
        {loaded.error && <span class="fault-text">{loaded.error.message}</span>}
      </p>
      <Why task={task} />
      <Waterfall task={task} />
      <div class="grid two">
        <Log task={live} lines={stream.lines} isFollowing={!task.done} />
        <Facts task={task} />
      </div>
      <div class="grid three">
        <Panel title="Input" aside={<CopyButton value={task.input} />}>
          <JsonTree value={task.input} name="Input" />
        </Panel>
        <Outcome task={task} />
        <Panel title="History" aside={count(task.history.length)}>
          <ol class="history">
            {task.history.map(({ seq, name, message, at, type }) => (
              <li key={seq}>
                <span class="dim">
                  <At at={at} />
                </span>{" "}
                <span class={`state ${type.toLowerCase()}`}>
                  {wordsOf(name)}
                </span>{" "}
                {message && <bdi class="dim">{message}</bdi>}
              </li>
            ))}
          </ol>
        </Panel>
      </div>
      <Family task={task} />
    </>
  );
}

function Outcome({ task }: { task: Task }) {
  if (task.state.type === "COMPLETED") {
    return (
      <Panel title="Result" aside={<CopyButton value={task.result} />}>
        <JsonTree value={task.result} name="Result" />
      </Panel>
    );
  }
  if (task.error) {
    return (
      <Panel
        title={task.done ? "Error" : "Error of the last attempt"}
        aside={<CopyButton value={task.error} />}
      >
        <ErrorText error={task.error} />
      </Panel>
    );
  }
  return (
    <Panel title="Result">
      <p class="dim">
        {task.done ? "None: it did not complete." : "Not there yet. It is shown as soon as the task ends."}
      </p>
    </Panel>
  );
}

function ErrorText({ error }: { error: Failure }) {
  return (
    <div class="error-text">
      <p>
        <b>
          <bdi>{error.name}</bdi>
        </b>: <bdi>{error.message}</bdi>
        {!error.retryable && <span class="tag">not retryable</span>}
      </p>
      {error.stack && (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0}><bdi>{error.stack}</bdi></pre>
        </details>
      )}
      {error.cause && (
        <div class="cause">
          because of <ErrorText error={error.cause} />
        </div>
      )}
      {error.errors?.map((each, i) => (
        <div key={i} class="cause">
          <ErrorText error={each} />
        </div>
      ))}
    </div>
  );
}

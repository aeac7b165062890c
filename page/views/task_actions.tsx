// What can be done to a task, as far as its state and the key's scopes allow.

import { cancelTask, deleteTask, retryTask, setPriority } from "../data/actions.ts";
import { post } from "../data/api.ts";
import { hasRedacted, REDACTED } from "../data/redacted.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import { may } from "../data/session.ts";
import type { Task } from "../data/answers.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act, say } from "../ui/notices.tsx";

export function TaskActions({ task }: { task: Task }) {
  const { id, done, state } = task;
  const mayRun = may("submit") && may("read");
  return (
    <span class="actions">
      {done && mayRun && <Rerun task={task} />}
      {done && mayRun && state.type !== "COMPLETED" && (
        <AskingButton
          label="Retry…"
          title="Run it again under its id?"
          verb="Retry"
          isWide
          onDone={(values) =>
            withInput(values, (input) =>
              act(async () => {
                await retryTask(id, input);
                return "It will run again";
              }))}
        >
          <p>
            It gets all its attempts anew. What its failure had cancelled waits again.
          </p>
          <InputField value={task.input} />
        </AskingButton>
      )}
      {["PENDING", "SCHEDULED"].includes(state.type) && may("operate") && (
        <AskingButton
          label="Priority…"
          title="Another priority for this task?"
          verb="Set it"
          onDone={(values) => act(() => setPriority(id, Number(values.get("priority"))))}
        >
          <p>Larger goes first, within its queue.</p>
          <Field label="Priority" note="−10 to 10">
            <input name="priority" type="number" required min={-10} max={10} defaultValue={task.priority} />
          </Field>
        </AskingButton>
      )}
      {!done && may("cancel") && (
        <AskingButton
          label="Cancel…"
          title="Cancel this task?"
          verb="Cancel it"
          isDangerous
          onDone={(values) => act(() => cancelTask(id, String(values.get("reason") ?? "").trim()))}
        >
          <p>
            {state.type === "RUNNING" ? "It runs, and will be asked to stop." : "It will not start."}
          </p>
          <Field label="Reason" note="Kept in its history.">
            <input name="reason" maxLength={500} autoComplete="off" />
          </Field>
        </AskingButton>
      )}
      {done && may("admin") && (
        <AskingButton
          label="Delete…"
          title="Delete this task?"
          verb="Delete it"
          isDangerous
          onDone={async () => {
            const go = fromHere();
            const isDone = await act(async () => {
              await deleteTask(id);
              return "Deleted";
            });
            if (isDone) go(hrefOf("tasks"));
            return isDone;
          }}
        >
          <p>It is gone for good, with its input, result and log.</p>
        </AskingButton>
      )}
    </span>
  );
}

function Rerun({ task }: { task: Task }) {
  const rerun = async (input: { input?: unknown }) => {
    let made = "";
    const go = fromHere();
    const isDone = await act(async () => {
      ({ id: made } = await post<{ id: string }>(
        `/v1/tasks/${task.id}/rerun`,
        input,
      ));
      return "Submitted";
    });
    if (isDone) go(hrefOf("tasks", made));
    return isDone;
  };
  return (
    <AskingButton
      label="Rerun…"
      title="Submit a new task like this one?"
      verb="Submit"
      isWide
      onDone={(values) => withInput(values, rerun)}
    >
      <p>This one stays as it is.</p>
      <InputField value={task.input} />
    </AskingButton>
  );
}

function InputField({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2) ?? "null";
  return (
    <Field label="Input" note="Change it, or leave it as it was.">
      <textarea
        name="input"
        rows={Math.min(16, text.split("\n").length + 1)}
        spellcheck={false}
        class="mono"
        defaultValue={text}
      />
      <input type="hidden" name="before" value={text} />
    </Field>
  );
}

/** The input only if it was changed: it may be large. */
async function withInput(
  values: FormData,
  step: (body: { input?: unknown }) => Promise<boolean>,
): Promise<boolean> {
  const text = String(values.get("input")).replaceAll("\r\n", "\n");
  if (text === String(values.get("before")).replaceAll("\r\n", "\n")) {
    return await step({});
  }
  try {
    const input = JSON.parse(text);
    if (!hasRedacted(input)) return await step({ input });
    say(REDACTED, true);
    return false;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    say(`The input is no JSON: ${error.message}`, true);
    return false;
  }
}

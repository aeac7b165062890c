// One action on all tasks that fit the filters of the list: first what it would be for, then a task that does
// it.

import { useEffect, useState } from "preact/hooks";
import { CallError, post } from "../data/api.ts";
import { count, counted } from "../data/format.ts";
import { fromHere, hrefOf } from "../data/route.ts";
import { may } from "../data/session.ts";
import type { BulkPreview, BulkRequest } from "../data/answers.ts";
import { Ago, Fault, Skeleton, StateMark } from "../ui/basics.tsx";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";

type Action = BulkRequest["action"];

const ACTIONS: Record<Action, string> = {
  cancel: "Cancel them",
  retry: "Retry them",
  priority: "Change their priority",
  delete: "Delete them",
};
const LISTS = ["state"];
const TIMES = ["createdAfter", "createdBefore", "finishedAfter", "finishedBefore"];

export function BulkButton({ filters }: { filters: Record<string, string> }) {
  const [action, setAction] = useState<Action>("cancel");
  const [priority, setPriority] = useState(0);
  if (!may("operate")) return null;
  const body = bodyOf(filters, action, priority);
  const begin = async (values: FormData) => {
    let made = "";
    const go = fromHere();
    const reason = String(values.get("reason") ?? "").trim();
    const isDone = await act(async () => {
      ({ id: made } = await post<{ id: string }>("/v1/bulk", reason ? { ...body, reason } : body));
      return "It has begun: this task does it";
    });
    if (isDone) go(hrefOf("tasks", made));
    return isDone;
  };
  return (
    <AskingButton
      label="Act on all…"
      title="One action on all tasks that fit"
      verb={ACTIONS[action]}
      isDangerous={action === "cancel" || action === "delete"}
      class=""
      isWide
      onDone={begin}
    >
      <p>
        {Object.keys(filters).length === 0
          ? <b class="warn">No filter is set: these are all tasks that you may see.</b>
          : Object.entries(filters).map(([name, value]) => (
            <span key={name} class="tag">
              {name} <bdi>{value}</bdi>
            </span>
          ))}
      </p>
      <div class="side">
        <Field label="Action">
          <select value={action} onChange={(event) => setAction(event.currentTarget.value as Action)}>
            {(Object.keys(ACTIONS) as Action[]).filter((each) => each !== "delete" || may("admin")).map((
              each,
            ) => <option key={each} value={each}>{ACTIONS[each]}</option>)}
          </select>
        </Field>
        {action === "priority" && (
          <Field label="New priority" note="−10 to 10">
            <input
              type="number"
              min={-10}
              max={10}
              value={priority}
              onInput={(event) => setPriority(Number(event.currentTarget.value))}
            />
          </Field>
        )}
        {action === "cancel" && (
          <Field label="Reason">
            <input name="reason" maxLength={500} autoComplete="off" />
          </Field>
        )}
      </div>
      <DryRun body={body} />
    </AskingButton>
  );
}

function bodyOf(filters: Record<string, string>, action: Action, priority: number): Record<string, unknown> {
  const filter = Object.fromEntries(
    Object.entries(filters).map(([name, value]) => [name, LISTS.includes(name) ? value.split(",") : value]),
  );
  return {
    action,
    filter,
    ...(TIMES.some((name) => name in filters) ? {} : { all: true }),
    ...(action === "priority" && { priority }),
  };
}

/** What it would be for, as it is now. */
function DryRun({ body }: { body: Record<string, unknown> }) {
  const [found, setFound] = useState<{ key: string; preview?: BulkPreview; error?: CallError } | null>(null);
  const key = JSON.stringify(body);
  useEffect(() => {
    let isOver = false;
    post<BulkPreview>("/v1/bulk", { ...body, dryRun: true }).then(
      (preview) => isOver || setFound({ key, preview }),
      (error) => {
        if (!(error instanceof CallError)) throw error;
        if (!isOver) setFound({ key, error });
      },
    );
    return () => {
      isOver = true;
    };
  }, [key]);
  if (found?.key !== key) return <Skeleton lines={4} />;
  if (found.error) return <Fault error={found.error} />;
  const { count: { value, exact }, samples } = found.preview!;
  return (
    <div class="dry-run" role="status">
      <b>{exact ? counted(value, "task") : `${count(value)} tasks or more`}</b>{" "}
      <span class="dim">{value > samples.length ? "the newest of them:" : ""}</span>
      <table>
        <tbody>
          {samples.map((task) => (
            <tr key={task.id}>
              <td>
                <StateMark state={task.state} />
              </td>
              <td>
                <bdi>{task.task}</bdi>
              </td>
              <td class="dim num">
                <Ago at={task.createdAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

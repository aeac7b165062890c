// Tasks whose function puts others in their place: how such a flow looks, and what must become of the task.

// Loaded when it is needed, which takes as long as it takes: a world must not depend on that.
import "../../runtime/commands/replacements.ts";
import { isReplaced, isToEnd } from "../../runtime/core/replaced.ts";
import { replaceWith } from "../../runtime/core/replace_with.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../../runtime/core/task.ts";

export const FORMS = ["one", "chain", "group"] as const;

export interface WantedReplacement {
  form: typeof FORMS[number];
  inputs: unknown[];
}

/** What the metadata of its tasks says in place of a call: each attempt has a flow of its own. */
function callInPlaceOf(id: string, attempt: number): string {
  return `in place of ${id}, attempt ${attempt}`;
}

export function replacementOf(
  id: string,
  attempt: number,
  { form, inputs }: WantedReplacement,
): never {
  const call = callInPlaceOf(id, attempt);
  const tasks = inputs.map((input, n) => ({
    task: "work",
    input,
    options: { metadata: { call, n }, retry: { maxAttempts: 2, delayMs: 50 } },
    ...(form === "chain" && n > 0 && { immutable: true }),
  }));
  if (form === "one") return replaceWith(tasks[0]);
  return replaceWith(form === "chain" ? { chain: tasks } : { group: tasks });
}

/**
 * What is wrong with how a task has left those in its place; null if nothing is.
 *
 * @param made the task of each place
 */
export function faultOfOutcome(
  before: TaskRecord,
  after: TaskRecord,
  storedOf: (id: string) => Stored | undefined,
  made: ReadonlyMap<string, string>,
): string | null {
  if (!isReplaced(before) || isReplaced(after)) return null;
  const input = "json" in before.input ? JSON.parse(before.input.json) : null;
  if (input === null) return null;
  const { form, inputs } = input.replace as WantedReplacement;
  const places = form === "group" ? inputs.map((_, n) => n) : [form === "chain" ? inputs.length - 1 : 0];
  const all = places.map((n) => {
    const stored = storedOf(made.get(`${callInPlaceOf(before.id, before.attempt)}/${n}`) ?? "");
    return stored && !isForgotten(stored) ? stored : null;
  });
  const here = all.filter((one) => one !== null);
  const open = here.find((one) => !isTerminal(one));
  if (open) return `it ended ${typeOf(after)}, and one in its place is ${typeOf(open)}`;
  const isGood = all.every((one) => one === null || typeOf(one) === "COMPLETED");
  if (typeOf(after) !== "COMPLETED") {
    // One that is gone is a failure of its own.
    return isGood && here.length === all.length && !isToEnd(before)
      ? `it ended ${typeOf(after)}, and they did not`
      : null;
  }
  if (!isGood || here.length < all.length) return "it completed, and one in its place did not";
  if (isToEnd(before)) return "it completed, and was to end";
  const texts = here.map(({ result }) => result && "json" in result ? result.json : null);
  if (texts.includes(null) || !("json" in after.result!)) return null;
  const wanted = form === "group" ? `[${texts.join(",")}]` : texts[0];
  return after.result.json === wanted ? null : "it has another value than those in its place";
}

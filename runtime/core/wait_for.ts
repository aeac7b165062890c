// The option `waitFor`: which tasks and groups a task waits for, and how these must end.

import { z } from "zod";
import { ENDS, type NamedEnd } from "./condition_terms.ts";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";
import { chosen, type FormFault } from "./tagged_union.ts";

/** One task or group, and how it must end. */
export interface WaitCondition {
  task: string;
  /** Ends by which the task that waits may start. Default: COMPLETED, or any if it is `optional`. */
  on?: NamedEnd[];
  /** Another end does not skip the task that waits. */
  optional?: boolean;
}

/** Some of several tasks or groups. */
export interface WaitForAny {
  anyOf: string[];
  /** How many of them. Default 1. */
  count?: number;
  /** Default: all but SKIPPED. */
  on?: NamedEnd[];
  /** The others are cancelled when so many have ended. */
  cancelRest?: boolean;
}

export type WaitItem = string | WaitCondition | WaitForAny;
export type WaitFor = WaitItem[] | WaitForAny;

export const MOST_WAITED_FOR = 1_000;
/** Their ids are in the counter that each of their ends rewrites. */
export const MOST_CONDITIONS = 100;

/** A task by its id, and where the option names it. */
export interface NamedUpstream {
  id: string;
  /** JSON Pointer into the option. */
  pointer: string;
}

/** The items, each with the JSON Pointer to it within the option. */
export function waitItems(waitFor: WaitFor | undefined): { item: WaitItem; pointer: string }[] {
  if (waitFor === undefined) return [];
  if (!Array.isArray(waitFor)) return [{ item: waitFor, pointer: "" }];
  return waitFor.map((item, i) => ({ item, pointer: `/${i}` }));
}

/** All that it names, in order. */
export function namedIn(waitFor: WaitFor | undefined): NamedUpstream[] {
  const named: NamedUpstream[] = [];
  for (const { item, pointer } of waitItems(waitFor)) {
    if (typeof item === "string") named.push({ id: item, pointer });
    else if ("task" in item) named.push({ id: item.task, pointer: `${pointer}/task` });
    else item.anyOf.forEach((id, i) => named.push({ id, pointer: `${pointer}/anyOf/${i}` }));
  }
  return named;
}

/** True if it names a task. */
export function isWaiting(waitFor: WaitFor | undefined): boolean {
  return waitFor !== undefined && (!Array.isArray(waitFor) || waitFor.length > 0);
}

/** The item with other names for its tasks. */
export function renamed(item: WaitItem, idOf: (name: string, pointer: string) => string): WaitItem {
  if (typeof item === "string") return idOf(item, "");
  if ("task" in item) return { ...item, task: idOf(item.task, "/task") };
  return { ...item, anyOf: item.anyOf.map((name, i) => idOf(name, `/anyOf/${i}`)) };
}

/** @param task how a task is named: by its id or, within a flow, by its name */
export function waitForSchema(task: z.ZodType<string, string>, most: number): z.ZodType<WaitFor, WaitFor> {
  const { condition, any } = formsOf(task);
  const item = chosen<WaitItem>([task, condition, any], (value) => {
    return typeof value === "object" && value !== null ? formOf(value, condition, any) : task;
  });
  const list = z.array(item).max(most);
  const either = chosen<WaitFor>([list, any], (value) => {
    if (Array.isArray(value)) return list;
    return hasAnyOf(value) ? any : { path: [], message: "must be a list, or {anyOf: […]}" };
  });
  return (either as z.ZodType<WaitFor, WaitFor>)
    .describe(
      "Tasks and groups that must have completed before it starts, by their ids; or, with conditions, have " +
        "ended in another way. Their results are not handed over.",
    );
}

function formsOf(task: z.ZodType<string, string>) {
  const on = () => z.array(z.enum(ENDS)).min(1).max(ENDS.length).optional();
  const condition = strictObject({
    task,
    on: on().describe("Ends by which it may start. Default COMPLETED; any, if it is optional."),
    optional: z.boolean().optional().describe("Another end does not skip it."),
  }) as z.ZodType<WaitCondition, WaitCondition>;
  const any = strictObject({
    anyOf: z.array(task).min(1).max(MOST_CONDITIONS),
    count: z.int().min(1).max(MOST_CONDITIONS).optional().describe("So many of them. Default 1."),
    on: on().describe("Ends that count. Default: all but SKIPPED."),
    cancelRest: z.boolean().optional().describe("The others are cancelled when so many have ended."),
  }) as z.ZodType<WaitForAny, WaitForAny>;
  return { condition, any };
}

function formOf(
  value: object,
  condition: z.ZodType<WaitItem>,
  any: z.ZodType<WaitItem>,
): z.ZodType<WaitItem> | FormFault {
  if (Object.hasOwn(value, "task")) return condition;
  if (hasAnyOf(value)) return any;
  return { path: [], message: 'must be the id of a task, {task: "…"} or {anyOf: […]}' };
}

function hasAnyOf(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "anyOf");
}

/** Of a submit: by ids. */
export const waitForIds = once(() => waitForSchema(z.uuid().toLowerCase(), MOST_WAITED_FOR));

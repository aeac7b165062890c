// Zod issues as faults that name the field, the rule and the value.

import type { z } from "zod";
import type { Fault } from "./errors.ts";
import { pointer } from "./json.ts";

const LONGEST_VALUE = 80;
const MOST_FAULTS = 50;
/** Zod's own message for a union, which names none of its branches. */
const OF_ZOD = "Invalid input";

/** @param prefix the pointer to `value` within what was submitted */
export function faultsOf(error: z.ZodError, value: unknown, prefix = ""): Fault[] {
  const issues = error.issues.slice(0, MOST_FAULTS);
  return issues.flatMap((issue) => faultsOfIssue(issue, value, prefix)).slice(0, MOST_FAULTS);
}

function faultsOfIssue(issue: z.core.$ZodIssue, value: unknown, prefix: string): Fault[] {
  const at = prefix + pointer(issue.path);
  if (issue.code === "unrecognized_keys") {
    // A line for each (strict_object.ts); zod's own message has one line for all.
    const lines = issue.message.split("\n");
    return issue.keys.slice(0, MOST_FAULTS).map((key, i) => ({
      pointer: at + pointer([key]),
      message: lines[i]?.startsWith("unknown field") ? lines[i] : "unknown field",
    }));
  }
  const found = valueAt(value, issue.path);
  if (issue.code === "invalid_union") {
    // The branch that was probably meant: it takes values of this kind, misses the fewest fields, and then it
    // has the fewest faults.
    const branches = issue.errors.filter((branch) => branch.length > 0).map((branch) => {
      const lacks = branch.filter(({ path }) => valueAt(found, path) === undefined).length;
      return { branch, lacks, other: Number(!branch.every(isOfKind)) };
    });
    const order = (a: typeof branches[0], b: typeof branches[0]) =>
      a.other - b.other || a.lacks - b.lacks || a.branch.length - b.branch.length;
    const [best, second] = branches.sort(order);
    // An object that has no field of any branch: none was meant more than another.
    const isAnyone = best?.lacks > 0 && second && order(best, second) === 0 && issue.message !== OF_ZOD;
    if (best?.branch.every(isOfKind) && !isAnyone) {
      return best.branch.flatMap((inner) => faultsOfIssue(inner, found, at));
    }
    const kinds = [...new Set(kindsOf(issue))];
    if (issue.message === OF_ZOD && kinds.length > 0) {
      const text = new Intl.ListFormat("en", { type: "disjunction" }).format(kinds);
      const message = found === undefined ? `required: ${text}` : `must be ${text} (got ${show(found)})`;
      return [{ pointer: at, message }];
    }
  }
  return [{
    pointer: at,
    message: found === undefined ? missing(issue) : `${issue.message} (got ${show(found)})`,
  }];
}

/** What the branches of a union take: "object", "string", "false". */
function kindsOf(issue: z.core.$ZodIssueInvalidUnion): string[] {
  return issue.errors.flat().filter(({ path }) => path.length === 0).flatMap((inner) => {
    if (inner.code === "invalid_union") return kindsOf(inner);
    if (inner.code === "invalid_value") return inner.values.map((value) => JSON.stringify(value));
    return inner.code === "invalid_type" ? [inner.expected] : [];
  });
}

const OTHER_KIND = new Set(["invalid_type", "invalid_value", "invalid_union"]);

/** The value is of the right kind: what is wrong is in it, or a bound of it. */
function isOfKind({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 || !OTHER_KIND.has(code!);
}

function missing(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_type" ? `required: ${issue.expected}` : issue.message;
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

// The conditions under which a task starts, by its `waitFor` and the references in its input.

import type { AnyOf, Condition, Conditions } from "../core/condition_terms.ts";
import type { Reference } from "../core/references.ts";
import type { Submission } from "../core/submission.ts";
import { inTenant } from "../core/tenant.ts";
import { MOST_CONDITIONS, type WaitCondition, type WaitForAny, waitItems } from "../core/wait_for.ts";

export interface ConditionFault {
  /** Within the submission. */
  part: string;
  message: string;
}

export interface FoundConditions {
  /** Undefined if all that it waits for must complete. */
  conditions?: Conditions;
  faults: ConditionFault[];
}

const NONE: FoundConditions = { faults: [] };

export function conditionsOf(
  { options = {} }: Submission,
  references: Reference[],
  tenant = "",
): FoundConditions {
  const items = waitItems(options.waitFor);
  const isPlain = items.every(({ item }) => typeof item === "string") &&
    !references.some(({ allowFailure }) => allowFailure);
  return isPlain ? NONE : new Finder(items, references, options.allowFailure ?? false, tenant).find();
}

/** True if others are cancelled when it starts. */
export function cancelsOthers({ options }: Submission): boolean {
  return waitItems(options?.waitFor).some(({ item }) =>
    typeof item === "object" && "anyOf" in item &&
    item.cancelRest === true
  );
}

const AT = "/options/waitFor";

class Finder {
  readonly #faults: ConditionFault[] = [];
  /** Those that must complete, by what says so. */
  readonly #strict = new Map<string, "waitFor" | "input">();
  /** Those that have a condition. */
  readonly #named = new Set<string>();
  readonly #each: Record<string, Condition> = {};
  readonly #any: AnyOf[] = [];

  constructor(
    private readonly items: ReturnType<typeof waitItems>,
    private readonly references: Reference[],
    private readonly allowsFailure: boolean,
    private readonly tenant: string,
  ) {}

  find(): FoundConditions {
    for (const { task, allowFailure } of this.references) {
      if (!allowFailure && !this.allowsFailure) this.#strict.set(task, "input");
    }
    for (const { item } of this.items) if (typeof item === "string") this.#strict.set(item, "waitFor");
    for (const { item, pointer } of this.items) {
      if (typeof item === "string") continue;
      if ("task" in item) this.#single(item, AT + pointer);
      else this.#several(item, AT + pointer);
    }
    for (const { task, allowFailure } of this.references) {
      // Where all may fail it needs no condition of its own.
      if (!allowFailure || this.allowsFailure || this.#strict.has(task) || this.#named.has(task)) continue;
      this.#named.add(task);
      this.#each[inTenant(task, this.tenant)] = {};
    }
    this.#requireFew();
    const conditions: Conditions = {};
    if (Object.keys(this.#each).length > 0) conditions.each = this.#each;
    if (this.#any.length > 0) conditions.any = this.#any;
    return { conditions: Object.keys(conditions).length > 0 ? conditions : undefined, faults: this.#faults };
  }

  #single({ task, on, optional = false }: WaitCondition, at: string): void {
    const isStrict = !optional && (on === undefined || on.every((end) => end === "COMPLETED"));
    if (!this.#take(task, `${at}/task`, isStrict)) return;
    if (on === undefined && !optional) return;
    const condition: Condition = {};
    if (on) condition.on = [...new Set(on)];
    if (optional) condition.optional = true;
    this.#each[inTenant(task, this.tenant)] = condition;
  }

  #several({ anyOf, count = 1, on, cancelRest = false }: WaitForAny, at: string): void {
    anyOf.forEach((id, i) => this.#take(id, `${at}/anyOf/${i}`, false));
    if (count > anyOf.length) {
      this.#fault(
        `${at}/count`,
        `must be at most ${anyOf.length}, the number of tasks in anyOf (got ${count})`,
      );
    }
    const any: AnyOf = {
      of: anyOf.map((id) => inTenant(id, this.tenant)),
      count,
      on: on ? [...new Set(on)] : ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"],
    };
    if (cancelRest) any.cancelRest = true;
    this.#any.push(any);
  }

  /** False if something else says how the task must end. */
  #take(task: string, at: string, isStrict: boolean): boolean {
    const isTwice = this.#named.has(task);
    if (isTwice) this.#fault(at, "a task has one condition, and this one has another one in waitFor");
    this.#named.add(task);
    const strict = this.#strict.get(task);
    if (strict !== undefined && !isStrict) this.#fault(at, CONTRADICTIONS[strict]);
    return !isTwice;
  }

  #requireFew(): void {
    if (this.#named.size <= MOST_CONDITIONS) return;
    const message = `at most ${MOST_CONDITIONS} tasks with a condition; these are ${this.#named.size}. ` +
      "allowFailure as an option holds for any number";
    this.#fault(this.items.length > 0 ? AT : "/input", message);
  }

  #fault(part: string, message: string): void {
    this.#faults.push({ part, message });
  }
}

const CONTRADICTIONS = {
  waitFor: "contradicts waitFor, which names it without a condition too, so that it must complete",
  input: "contradicts the input, which takes its result, so that it must complete: " +
    'say {"$task": …, "$allowFailure": true} there',
};

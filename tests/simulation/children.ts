// What the checker knows of tasks that functions submit. A child is known by its parent and by its place
// among the parent's submits, whichever run of the parent asked for it.

import { parse } from "../../runtime/platform/keys.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import { isReplaced } from "../../runtime/core/replaced.ts";
import type { Findings } from "./dependencies.ts";
import type { Change } from "./fake_kv.ts";
import type { Actor, Surroundings } from "./surroundings.ts";

export interface ChildFindings extends Findings {
  /** Whether it may be that this task is not there any more. */
  mayBeGone(id: string): boolean;
  /** Whose worker has the lease of a task. */
  ownerOf(record: TaskRecord): Actor | undefined;
  wasRetried(id: string): boolean;
}

/** What the metadata of a child says in place of a call. */
export function callOfChildren(parent: string): string {
  return `children of ${parent}`;
}

export class Children {
  /** By the parent: its children, as they were stored. */
  readonly #of = new Map<string, string[]>();
  /** By parent and place: the newest child that a function was told of. */
  readonly #told = new Map<string, string>();
  /** Parents whose children were cancelled with them. */
  readonly #cancelled = new Set<string>();
  /** The tasks of a commit as they were before it. */
  #before = new Map<string, Stored | null>();

  constructor(private readonly world: Surroundings, private readonly checker: ChildFindings) {}

  get ids(): string[] {
    return [...this.#of.values()].flat();
  }

  /** Called before the checker knows the records of a commit. */
  beforeCommit(changes: Change[]): void {
    this.#before = new Map(
      changes.filter(({ key }) => key[0] === "task").map(({ key }) => {
        const id = parse.task(key);
        return [id, this.checker.tasks.get(id) ?? null];
      }),
    );
  }

  /** A child is stored for an attempt that has its lease, and was not asked to stop. */
  stored(child: TaskRecord, by: Actor): void {
    const parent = child.parentId!;
    const siblings = this.#of.get(parent);
    if (siblings) siblings.push(child.id);
    else this.#of.set(parent, [child.id]);
    const before = this.#recordOf(parent);
    // Whoever processes the outbox stores those that take its place.
    if (before && isReplaced(before)) return;
    if (!this.#mayAct(parent, by)) {
      this.checker.violated("6", `${by.name} stored ${this.#nameOf(child)} for an attempt without a lease`);
    } else if (typeOf(this.#parentOf(child)!) === "CANCELLING") {
      this.checker.violated("13", `${this.#nameOf(child)} was stored after the cancel of its parent`);
    }
    if (this.#cancelled.has(parent)) {
      this.checker.violated("13", `${this.#nameOf(child)} was stored after it had been cancelled`);
    }
  }

  /** True if the function of its parent may run it again. */
  mayRetry(child: TaskRecord, by: Actor): boolean {
    return child.parentId !== null && this.#mayAct(child.parentId, by);
  }

  #mayAct(id: string, by: Actor): boolean {
    const parent = this.#recordOf(id);
    return parent !== null && parent.lease !== null && this.checker.ownerOf(parent) === by;
  }

  #parentOf({ parentId }: TaskRecord): TaskRecord | null {
    return this.#recordOf(parentId!);
  }

  /** As it was before the commit that is looked at. */
  #recordOf(id: string): TaskRecord | null {
    const stored = this.#before.has(id) ? this.#before.get(id)! : this.checker.tasks.get(id);
    return stored && !isForgotten(stored) ? stored : null;
  }

  /** A function was told that its submit at this place is that task. */
  told(parent: string, place: number, id: string): void {
    const at = `${parent}/${place}`;
    const before = this.#told.get(at);
    if (before !== undefined && before !== id && !this.checker.mayBeGone(before)) {
      this.checker.violated(
        "2",
        `child ${place} of ${this.world.nameOf(parent)} was ${this.world.nameOf(before)}, and then ${
          this.world.nameOf(id)
        }`,
      );
    }
    this.#told.set(at, id);
    if (!this.#of.get(parent)?.includes(id)) {
      this.checker.violated("1", `child ${place} of ${this.world.nameOf(parent)} is not there`);
    }
  }

  returned(id: string, value: unknown): void {
    const { run } = value as { run?: number };
    if (!this.checker.isResult(id, run)) {
      this.checker.violated("15", `a parent got run ${run}, which is none of ${this.world.nameOf(id)}`);
    }
  }

  /** A cancel of a task with its children was acknowledged. @returns its children, and theirs. */
  cancelled(parent: string): string[] {
    if (this.checker.wasRetried(parent)) return [];
    this.#cancelled.add(parent);
    const children = (this.#of.get(parent) ?? []).filter((id) => !this.checker.wasRetried(id));
    for (const id of children) {
      const stored = this.checker.tasks.get(id);
      if (!stored || isForgotten(stored) || isTerminal(stored) || typeOf(stored) === "CANCELLING") continue;
      const name = this.world.nameOf(id);
      this.checker.violated("13", `${name} is ${typeOf(stored)} after the cancel of its parent`);
    }
    return children.flatMap((id) => [id, ...this.cancelled(id)]);
  }

  /** A caller has asked for its retry: it may submit again. */
  retried(id: string): void {
    this.#cancelled.delete(id);
  }

  #nameOf({ id }: TaskRecord): string {
    return this.world.nameOf(id);
  }
}

// The names of a flow's tasks, and what they stand for.

import type { Fault } from "../../core/errors.ts";
import { pointer } from "../../core/json.ts";
import { findReferences } from "../../core/references.ts";
import { likely } from "../../core/nearest.ts";
import { renamed, type WaitFor, type WaitItem, waitItems } from "../../core/wait_for.ts";
import { isUuid } from "./name_rules.ts";

export interface Named {
  readonly id: string;
  readonly name: string;
  /** JSON Pointer to it in the flow. */
  readonly pointer: string;
}

/** A value with references, and the JSON Pointer to it in the flow. */
export interface Part {
  value: unknown;
  pointer: string;
}

/** A suggestion compares an unknown name with many known ones. Both numbers are bounded. */
const MOST_COMPARED = 500;
const MOST_SUGGESTED = 5;

export class Names<Task extends Named> {
  readonly #byName = new Map<string, Task>();
  #suggested = 0;

  /** @param faults what is wrong with names is added here. */
  constructor(private readonly faults: Fault[]) {}

  add(task: Task): void {
    const taken = this.#byName.get(task.name);
    if (taken) {
      const message = `the name "${task.name}" is given twice: ${taken.pointer} has it too`;
      this.faults.push({ pointer: task.pointer, message });
    } else this.#byName.set(task.name, task);
  }

  /**
   * The items of a `waitFor` with ids for the names in it, and the pointer to each.
   *
   * @param upstreams named tasks are added here.
   */
  idsOf(waitFor: WaitFor | undefined, at: string, upstreams: Task[]): { item: WaitItem; pointer: string }[] {
    return waitItems(waitFor).map(({ item, pointer }) => ({
      item: renamed(item, (name, within) => this.#idOf(name, at + pointer + within, upstreams)),
      pointer: at + pointer,
    }));
  }

  /**
   * The value with ids for the names in its references.
   *
   * @param upstreams named tasks are added here.
   */
  withIds(part: Part, upstreams: Task[]): unknown {
    const { references, faults } = findReferences(part.value, part.pointer);
    for (const fault of faults) this.faults.push(fault);
    let same = true;
    for (const { task, path } of references) {
      const at = part.pointer + pointer([...path, "$task"]);
      if (this.#idOf(task, at, upstreams) !== task) same = false;
    }
    return same || faults.length > 0
      ? part.value
      : replaceNames(part.value, (name) => this.#known(name) ?? name);
  }

  #idOf(name: string, at: string, upstreams: Task[]): string {
    const task = this.#byName.get(name);
    if (task) upstreams.push(task);
    const id = this.#known(name);
    if (id === undefined) this.faults.push({ pointer: at, message: this.#unknown(name) });
    return id ?? name;
  }

  #known(name: string): string | undefined {
    return this.#byName.get(name)?.id ?? (isUuid(name) ? name.toLowerCase() : undefined);
  }

  #unknown(name: string): string {
    const shown = name.length <= 100 ? name : `${name.slice(0, 100)}…`;
    const message = `no task of the flow is named "${shown}", and it is no id of a task (a UUID)`;
    if (++this.#suggested > MOST_SUGGESTED) return message;
    const names = [...this.#byName.keys()].filter((known) => Math.abs(known.length - name.length) <= 3);
    const near = likely(name, names.slice(0, MOST_COMPARED)).map((known) => `"${known}"`);
    return near.length === 0 ? message : `${message}; did you mean ${near.join(" or ")}?`;
  }
}

/** Quoted values stay as they are. */
function replaceNames(value: unknown, idOf: (name: string) => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => replaceNames(each, idOf));
  if (Object.hasOwn(value, "$quote")) return value;
  if (Object.hasOwn(value, "$task")) return { ...value, $task: idOf((value as { $task: string }).$task) };
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaceNames(each, idOf)]));
}

// The tasks of a flow as a graph: names become ids, and what waits for itself is found.

import type { Fault } from "../../core/errors.ts";
import { isUuid } from "./schema.ts";
import { pointer } from "../../core/json.ts";
import { findReferences } from "../../core/references.ts";
import { nearest } from "../../core/nearest.ts";

/** One task of a flow, on its way to a submission. */
export interface Node {
  readonly id: string;
  readonly name: string;
  /** Where it stands in the flow. */
  readonly pointer: string;
  /** Tasks of the flow that must have ended before it, without those that it names itself. */
  readonly after: Node[];
}

/** A value with references, and where it stands. */
export interface Part {
  value: unknown;
  pointer: string;
}

/** Names to suggest come from so many at the most, for so many unknown names: each costs the comparing of texts. */
const MOST_COMPARED = 500;
const MOST_SUGGESTED = 5;
const LONGEST_PATH = 20;

/** The names of a flow, and who waits for whom. */
export class Graph<Task extends Node> {
  readonly #byName = new Map<string, Task>();
  readonly #named = new Map<Task, Task[]>();
  #suggested = 0;

  constructor(private readonly faults: Fault[]) {}

  add(node: Task): void {
    const taken = this.#byName.get(node.name);
    if (taken) {
      const message = `the name "${node.name}" is given twice: ${taken.pointer} has it too`;
      this.faults.push({ pointer: node.pointer, message });
    } else this.#byName.set(node.name, node);
  }

  /** The ids for names and ids in a `waitFor`, which then are waited for. */
  idsOf(node: Task, waitFor: string[], at: string): string[] {
    return waitFor.map((name, i) => this.#idOf(node, name, `${at}/${i}`));
  }

  /** The value with ids for the names in its references, which then are waited for. */
  identified(part: Part, node: Task): unknown {
    const { references, faults } = findReferences(part.value, part.pointer);
    this.faults.push(...faults);
    let same = true;
    for (const { task, path } of references) {
      if (this.#idOf(node, task, part.pointer + pointer([...path, "$task"])) !== task) same = false;
    }
    return same || faults.length > 0 ? part.value : withIds(part.value, (name) => this.#known(name) ?? name);
  }

  /** Its tasks, each behind those that it waits for, else as they were added; circles are faults. */
  inOrder(nodes: Task[]): Task[] {
    const order: Task[] = [];
    const state = new Map<Task, "open" | "done">();
    const inCircles = new Set<Task>();
    for (const start of nodes) {
      if (state.has(start)) continue;
      // No recursion: a chain may be as long as a flow.
      const open = [this.#visit(start, state)];
      while (open.length > 0) {
        const { node, rest } = open[open.length - 1];
        const { value: next, done } = rest.next();
        if (done) {
          state.set(node, "done");
          order.push(node);
          open.pop();
        } else if (!state.has(next)) open.push(this.#visit(next, state));
        else if (state.get(next) === "open") {
          // Of circles that hang together one is told; a tangle has too many to go round in each.
          const isTold = inCircles.has(node) || inCircles.has(next);
          const way = isTold ? [next, node] : open.map(({ node }) => node);
          const circle = way.slice(way.indexOf(next));
          if (!isTold && !circle.some((each) => inCircles.has(each))) this.#tellCircle(circle);
          for (const each of circle) inCircles.add(each);
        }
      }
    }
    return order;
  }

  #visit(node: Task, state: Map<Task, "open" | "done">): { node: Task; rest: Iterator<Task, undefined> } {
    state.set(node, "open");
    const waitsFor = [...node.after as Task[], ...this.#named.get(node) ?? []];
    return { node, rest: waitsFor.values() as Iterator<Task, undefined> };
  }

  #tellCircle(circle: Task[]): void {
    const [first, ...others] = circle.map(({ name }) => name);
    // The circle goes upstream; people read it downstream.
    const path = [first, ...others.reverse()];
    const left = path.length - LONGEST_PATH;
    if (left > 0) path.splice(LONGEST_PATH, left, `(${left} more)`);
    const message = `a cycle: ${[...path, first].join(" → ")}; each of these waits for the one before it`;
    this.faults.push({ pointer: circle[0].pointer, message });
  }

  #known(name: string): string | undefined {
    return this.#byName.get(name)?.id ?? (isUuid(name) ? name.toLowerCase() : undefined);
  }

  #idOf(node: Task, name: string, at: string): string {
    const target = this.#byName.get(name);
    if (target) {
      const named = this.#named.get(node);
      if (named) named.push(target);
      else this.#named.set(node, [target]);
    }
    const id = this.#known(name);
    if (id === undefined) this.faults.push({ pointer: at, message: this.#unknown(name) });
    return id ?? name;
  }

  #unknown(name: string): string {
    const shown = name.length <= 100 ? name : `${name.slice(0, 100)}…`;
    const message = `no task of the flow is named "${shown}", and it is no id of a task (a UUID)`;
    if (++this.#suggested > MOST_SUGGESTED) return message;
    const names = [...this.#byName.keys()].filter((known) => Math.abs(known.length - name.length) <= 3);
    const near = nearest(name, names.slice(0, MOST_COMPARED)).map((known) => `"${known}"`);
    return near.length === 0 ? message : `${message}; did you mean ${near.join(" or ")}?`;
  }
}

/** Quoted values stay as they are. */
function withIds(value: unknown, idOf: (name: string) => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => withIds(each, idOf));
  if (Object.hasOwn(value, "$quote")) return value;
  if (Object.hasOwn(value, "$task")) return { $task: idOf((value as { $task: string }).$task) };
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withIds(each, idOf)]));
}

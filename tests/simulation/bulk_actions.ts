// What the checker knows of bulk actions: each sees to all tasks that it is for, or names those that it could
// not, and to no others. And of reruns: each call makes one task, like the one that it names.

import { BULK, type BulkAction, type BulkInput, type BulkPlace } from "../../runtime/commands/bulk/order.ts";
import {
  isForgotten,
  isPastRetention,
  stateOf,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../../runtime/core/task.ts";
import { isTerminalType } from "../../runtime/core/states.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { StoredEvent } from "../../runtime/store/event_log.ts";
import { serviceKeys } from "../../runtime/platform/service_keys.ts";
import type { Change } from "./fake_kv.ts";
import { encodeKey } from "./key_order.ts";
import { recordIn } from "./stored_row.ts";
import type { Actor, Surroundings } from "./surroundings.ts";

interface Order {
  input: BulkInput;
  /** Tasks that it is for, and that have been there for it all the time. */
  open: Set<string>;
}

const RETRIED = ["FAILED", "CRASHED"];

export class BulkActions {
  readonly #orders = new Map<string, Order>();
  readonly #running = new Set<string>();
  /** By task, calls that ask for a rerun of it, and reruns of it. */
  readonly #asked = new Map<string, Set<string>>();
  readonly #reruns = new Map<string, number>();

  constructor(
    private readonly world: Surroundings,
    private readonly tasks: ReadonlyMap<string, Stored>,
    private readonly violated: (invariant: string, what: string) => void,
  ) {}

  /** Some order is for this action on this task. */
  isFor(action: BulkAction, record: TaskRecord): boolean {
    return [...this.#orders.values()].some(({ input }) => input.action === action && isMeant(input, record));
  }

  askedRerun(of: string, call: string): void {
    this.#asked.set(of, (this.#asked.get(of) ?? new Set()).add(call));
  }

  /** Called when the checker knows the records of a commit. */
  applied(changes: Change[], by: Actor): void {
    for (const { key, before, after } of changes) {
      if (key[0] !== "task") continue;
      const [was, is] = [recordIn(before), recordIn(after)];
      const id = key[key.length - 1] as string;
      if (is?.task === BULK) this.#bulk(was, is, by);
      for (const order of this.#running) this.#see(this.#orders.get(order)!, id, is);
      if (is === null) continue;
      if (was === null && is.rerunOf !== undefined) this.#rerun(is, is.rerunOf);
      if (was !== null) this.#requireMeant(was, is);
    }
  }

  atTheEnd(): void {
    for (const id of this.#orders.keys()) {
      const stored = this.tasks.get(id);
      if (stored && !isForgotten(stored) && typeOf(stored) !== "COMPLETED") {
        this.violated("11", `the bulk action ${this.world.nameOf(id)} ended ${typeOf(stored)}`);
      }
    }
  }

  #bulk(was: TaskRecord | null, is: TaskRecord, by: Actor): void {
    if (was === null) {
      const input: BulkInput = JSON.parse("json" in is.input ? is.input.json : "null");
      const order: Order = { input, open: new Set() };
      if ((input.filter?.createdBefore ?? 0) > by.clock.highest + 1) {
        this.violated("bulk", `${this.world.nameOf(is.id)} is for tasks that are submitted later`);
      }
      for (const stored of this.tasks.values()) {
        if (!isForgotten(stored) && isMeant(input, stored) && isOpen(input, stored)) {
          order.open.add(stored.id);
        }
      }
      this.#orders.set(is.id, order);
      this.#running.add(is.id);
      this.world.note(
        "checker",
        `${this.world.nameOf(is.id)} is to ${input.action} ${order.open.size} tasks`,
      );
    } else if (typeOf(is) === "COMPLETED" && this.#running.delete(is.id)) this.#requireDone(is);
  }

  #see({ input, open }: Order, id: string, is: TaskRecord | null): void {
    if (open.has(id) && !(is && isOpen(input, is))) open.delete(id);
  }

  #requireDone({ id }: TaskRecord): void {
    const { database } = this.world;
    const { isOver, counts } = database.get(encodeKey(serviceKeys.bulk(id)))!.value as BulkPlace;
    if (!isOver) this.violated("bulk", `${this.world.nameOf(id)} has completed, and is not over`);
    const named = new Set(
      database.under(["event", id]).flatMap(({ value }) => {
        const event = value as StoredEvent;
        return event.kind === "log" && event.data !== null ? [JSON.parse(event.data).id as string] : [];
      }),
    );
    if (named.size < counts.failed) {
      this.violated("bulk", `${named.size} failures of ${counts.failed} are named`);
    }
    const { input: { action }, open } = this.#orders.get(id)!;
    for (const left of open) {
      const stored = this.tasks.get(left);
      if (!stored || named.has(bare(left)) || isPastRetention(stored, this.world.latest.wall)) continue;
      const name = this.world.nameOf(left);
      this.violated("bulk", `${this.world.nameOf(id)} is over, and did not ${action} ${name}`);
    }
  }

  /** What only bulk actions do, one did that is for this task. */
  #requireMeant(was: TaskRecord, is: TaskRecord): void {
    const name = this.world.nameOf(is.id);
    if (was.priority !== is.priority) {
      const isOrdered = [...this.#orders.values()].some(({ input }) => {
        return input.action === "priority" && input.priority === is.priority && isMeant(input, is);
      });
      if (!isOrdered) this.violated("bulk", `${name} has the priority ${is.priority}, and nobody has asked`);
      if (was.attempt !== is.attempt || was.crashes !== is.crashes) {
        this.violated("bulk", `a change of its priority counts as an attempt of ${name}`);
      }
    }
    const { type, message } = stateOf(is);
    if (stateOf(was).type === type || !type.startsWith("CANCEL") || !message?.startsWith("bulk ")) return;
    const order = [...this.#orders.values()].find(({ input }) => input.reason === message);
    if (!order || !this.#isMeantWithParents(order.input, is)) {
      this.violated("bulk", `${name} was cancelled by ${message}, which was not for it`);
    }
  }

  #isMeantWithParents(input: BulkInput, record: TaskRecord): boolean {
    if (isMeant(input, record)) return true;
    const parent = record.parentId === null ? undefined : this.tasks.get(record.parentId);
    return parent !== undefined && !isForgotten(parent) && this.#isMeantWithParents(input, parent);
  }

  #rerun(is: TaskRecord, of: string): void {
    const name = this.world.nameOf(is.id);
    const made = (this.#reruns.get(of) ?? 0) + 1;
    this.#reruns.set(of, made);
    const asked = this.#asked.get(of)?.size ?? 0;
    if (made > asked) {
      this.violated("2", `${this.world.nameOf(of)} was rerun ${made} times, and not ${asked}`);
    }
    if (is.attempt > 1 || is.groups.length > 0 || is.parentId !== null) {
      this.violated("rerun", `${name} is no task of its own`);
    }
    const source = this.tasks.get(of);
    if (!source || isForgotten(source)) return;
    if (
      source.task !== is.task || source.priority !== is.priority || source.metadata !== is.metadata ||
      source.ignoreResult !== is.ignoreResult
    ) {
      // Its priority may have changed since it was looked at.
      if (source.task === is.task && source.metadata === is.metadata && this.isFor("priority", source)) {
        return;
      }
      this.violated("rerun", `${name} is not like ${this.world.nameOf(of)}`);
    }
  }
}

/** It is for this task, as far as that does not change. */
function isMeant({ ids, filter = {} }: BulkInput, { id, task, tags, createdAt }: TaskRecord): boolean {
  if (task === BULK) return false;
  if (ids) return ids.includes(id);
  return (filter.task === undefined || filter.task === task) &&
    (filter.tag === undefined || tags.includes(filter.tag)) && createdAt < filter.createdBefore!;
}

/** There is something left to be done. */
function isOpen({ action, ids, filter, priority }: BulkInput, record: TaskRecord): boolean {
  const type = typeOf(record);
  if (!ids && filter!.states && !filter!.states.includes(type)) return false;
  switch (action) {
    case "cancel":
      return !isTerminalType(type) && record.cancel === null;
    case "priority":
      return !isTerminalType(type) && record.priority !== priority;
    case "retry":
      return RETRIED.includes(type) || ids !== undefined && type === "CANCELLED";
    case "delete":
      return isTerminalType(type);
  }
}

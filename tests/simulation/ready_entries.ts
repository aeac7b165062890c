// What the checker knows of the queue: a task that is ready stands in the block that its record names, with
// its own priority. Blocks may name tasks that have gone on, whose records tell.

import { isReady, type Stored, type TaskRecord } from "../../runtime/core/task.ts";
import { isHeldKey, parse } from "../../runtime/platform/keys.ts";
import type { ReadyBlock } from "../../runtime/store/ready_queue.ts";
import type { Change, Row } from "./fake_kv.ts";

interface Block {
  priority: number;
  ids: ReadonlySet<string>;
}

const QUEUES = ["ready", "queue", "held"];

export class ReadyEntries {
  /** By its first name, where each block stands, and parts of it. */
  readonly #blocks = new Map<string, Map<string, Block>>();

  constructor(
    private readonly tasks: ReadonlyMap<string, Stored>,
    private readonly violated: (invariant: string, what: string) => void,
  ) {}

  applied(changes: Change[]): void {
    const touched = new Set<string>();
    for (const { key, before, after } of changes) {
      if (key[0] === "task") touched.add(parse.task(key));
      else if (QUEUES.includes(key[0] as string)) {
        this.#move(key, after);
        for (const row of [before, after]) for (const id of idsIn(row)) touched.add(id);
      }
    }
    for (const id of touched) {
      const stored = this.tasks.get(id);
      if (stored && isReady(stored)) this.#require(stored as TaskRecord);
    }
  }

  #move(key: Deno.KvKey, after: Row | null): void {
    const { block, priority } = isHeldKey(key) ? parse.held(key).place : parse.ready(key);
    const [name] = block.split("~");
    const parts = this.#blocks.get(name) ?? new Map<string, Block>();
    if (after === null) parts.delete(key.join());
    else parts.set(key.join(), { priority, ids: new Set(idsIn(after)) });
    this.#blocks.set(name, parts);
  }

  #require({ id, priority, queued }: TaskRecord): void {
    const parts = [...this.#blocks.get(queued?.block ?? "")?.values() ?? []];
    const own = parts.filter(({ ids }) => ids.has(id));
    if (own.length === 0) this.violated("8", `${id} is ready, and in no queue`);
    for (const part of own) {
      if (part.priority === priority) continue;
      this.violated("9", `${id} has the priority ${priority}, and stands with those of ${part.priority}`);
    }
  }
}

function idsIn(row: Row | null): readonly string[] {
  return row === null ? [] : (row.value as ReadyBlock).ids;
}

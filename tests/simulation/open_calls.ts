// Calls of several commits that are not over yet. None may be taken for cut off while it does something: no
// clock says so, only that it has stood still.

import type { Barrier } from "../../runtime/dependencies/barrier.ts";
import type { GroupRecord } from "../../runtime/store/group_counters.ts";
import type { Change, Row } from "./fake_kv.ts";
import type { Surroundings } from "./surroundings.ts";

/** A call that stands still for less than this may go on. */
const STANDS_STILL_MS = 60_000;

interface Findings {
  violated(invariant: string, what: string): void;
}

/** A call sets these timers again with each of its commits, and removes them at its end. */
export function isOfOpenCall([kind, timer]: Deno.KvKey): boolean {
  return kind === "due" && (timer === "unseal" || timer === "recount");
}

export class OpenCalls {
  /** By barrier or group: when the last commit of its call came. */
  readonly #wentOn = new Map<string, number>();
  /** By group: how many tasks its call has announced. */
  readonly #announced = new Map<string, number>();

  constructor(private readonly world: Surroundings, private readonly checker: Findings) {}

  applied(changes: Change[]): void {
    for (const { key, before, after } of changes) {
      if (after === null) continue;
      if (isOfOpenCall(key)) this.#wentOn.set(key[3] as string, this.world.scheduler.now);
      else if (key[0] === "seal" && isGivenUp(after) && !isGivenUp(before)) {
        this.#requireStill(key[1] as string, "was given up");
      } else if (key[0] === "group" && key.length === 2) this.#group(before, after.value as GroupRecord);
    }
  }

  #group(before: Row | null, { id, total }: GroupRecord): void {
    if (before === null) this.#announced.set(id, total);
    else if (total !== (before.value as GroupRecord).total) {
      this.world.note("checker", `the total of group ${id} is ${total}, and was ${this.#announced.get(id)}`);
      if (total !== this.#announced.get(id)) this.#requireStill(id, `was counted as one of ${total} tasks`);
    }
  }

  #requireStill(id: string, what: string): void {
    const forMs = this.world.scheduler.now - (this.#wentOn.get(id) ?? -Infinity);
    if (forMs >= STANDS_STILL_MS) return;
    this.checker.violated("20", `the call of ${id} ${what} ${Math.round(forMs)} ms after its last commit`);
  }
}

function isGivenUp(row: Row | null): boolean {
  return Boolean((row?.value as Barrier | undefined)?.givenUp);
}

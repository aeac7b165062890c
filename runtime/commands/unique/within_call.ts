// Submissions of one call that have the same key: one of them becomes a task.

import { ConflictError } from "../../core/errors.ts";
import type { Batch } from "../batch.ts";
import type { Checked } from "../prepare.ts";

export interface Folded {
  /** Places whose submission becomes a task, or finds one. */
  owners: number[];
  /** For each other place the one whose task it gets. */
  same: Map<number, number>;
  /** The place whose input the task of an owner gets, if that is another one. */
  inputOf: Map<number, number>;
}

/** @throws {ConflictError} if one of them is to be refused for another one. */
export function fold(checked: readonly Checked[], places: number[], { pointerOf }: Batch): Folded {
  const ownerOf = new Map<string, number>();
  const followers = new Map<number, number[]>();
  const inputOf = new Map<number, number>();
  for (const place of places) {
    const { unique } = checked[place];
    const owner = unique && ownerOf.get(unique.digest);
    if (!unique) continue;
    if (owner === undefined) {
      ownerOf.set(unique.digest, place);
      continue;
    }
    switch (unique.onConflict) {
      case "reject":
        throw new ConflictError(
          `its unique key is that of ${pointerOf(owner, "") || "another one"} too`,
          pointerOf(place, "/options/unique"),
        );
      case "cancel":
        // It takes the place of one that has not started.
        followers.set(place, [...followers.get(owner) ?? [], owner]);
        followers.delete(owner);
        inputOf.delete(owner);
        ownerOf.set(unique.digest, place);
        continue;
      case "return":
        break;
      case "replace":
        inputOf.set(owner, place);
        break;
      case "postpone":
        if (unique.debounce!.input === "last") inputOf.set(owner, place);
    }
    followers.set(owner, [...followers.get(owner) ?? [], place]);
  }
  const same = new Map([...followers].flatMap(([owner, places]) => places.map((place) => [place, owner])));
  return { owners: places.filter((place) => !same.has(place)), same, inputOf };
}

import type { Checked } from "../../runtime/commands/prepare.ts";

/** A submission that waits for some and refers to others, as the checks leave it. */
export function wants(waitFor: string[], refers: string[] = []): Checked {
  return {
    submission: { task: "work", options: { waitFor } },
    references: refers.map((task, i) => ({ task, path: ["from", i] })),
  } as unknown as Checked;
}

import { ForbiddenError } from "../../core/errors.ts";
import { isForgotten } from "../../core/task.ts";
import type { Store } from "../../store/store.ts";
import { BULK } from "./order.ts";

/** What a bulk action does only who may operate may order, also by a retry of its task. */
export async function requireNoBulk(store: Store, id: string): Promise<void> {
  const entry = await store.read(id);
  if (!entry || isForgotten(entry.record) || entry.record.task !== BULK) return;
  throw new ForbiddenError("a bulk action is retried with a key that has the scope operate");
}

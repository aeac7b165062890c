// as_completed: tasks in the order in which they end, each once, for a list of ids, a group, or a tag. Every
// event carries a cursor: a stream that is opened with it goes on exactly there, in any process, after any
// restart.

import { ANYBODY, type Caller } from "../core/caller.ts";
import { bare } from "../core/tenant.ts";
import type { Store } from "../store/store.ts";
import type { CompletionEvent, CompletionOptions } from "./completion_events.ts";
import { completionsOfGroup } from "./completions_of_group.ts";
import { completionsOfIds } from "./completions_of_ids.ts";
import { badCursor, Cursor, fingerprint } from "./cursor.ts";
import type { Groups } from "./groups.ts";
import type { Notifier } from "./notifier.ts";
import { TagViews } from "./tag_view.ts";

/** A tag is looked for among the tasks that its caller may know. */
export type CompletionQuery = { ids: string[] } | { groupId: string } | { tag: string; caller?: Caller };

export class Completions {
  readonly #views: TagViews;

  constructor(
    private readonly store: Store,
    private readonly notifier: Notifier,
    private readonly groups: Groups,
  ) {
    this.#views = new TagViews(store);
  }

  /**
   * Opens a stream. Null means that the cursor is that of an `end`: nothing more will come.
   *
   * @throws {NotFoundError | ForgottenError} for a task or group that is not there.
   * @throws {ValidationError} for a cursor that does not fit the query, or a tag with too many tasks.
   */
  async open(
    query: CompletionQuery,
    options: CompletionOptions,
  ): Promise<AsyncGenerator<CompletionEvent> | null> {
    const { store, notifier, groups } = this;
    const now = store.clock.now();
    const cursor = options.cursor === undefined ? null : Cursor.parse(options.cursor, now);
    const kind = "groupId" in query ? "g" : "tag" in query ? "t" : "i";
    if (cursor && cursor.kind !== kind) throw badCursor("it belongs to another kind of stream");
    if ("groupId" in query) {
      const { groupId } = query;
      await groups.record(groupId);
      if (cursor && cursor.of !== bare(groupId)) throw badCursor("it belongs to another group");
      if (cursor?.ended) return null;
      const from = cursor ?? Cursor.start("g", bare(groupId), now);
      return completionsOfGroup(store, notifier, groups, groupId, from, options);
    }
    if ("tag" in query) {
      if (cursor?.ended) return null;
      const { tag, caller = ANYBODY } = query;
      const view = await (cursor ? this.#views.read(cursor.of, tag, caller) : this.#views.make(tag, caller));
      const from = cursor ?? Cursor.start("t", view.name, now);
      // One of them may have gone since they were listed.
      const stream = await completionsOfIds(store, notifier, view.ids, from, options, null);
      return this.#views.keeping(view, stream);
    }
    const ids = [...new Set(query.ids)];
    const of = fingerprint(ids);
    if (cursor && cursor.of !== of) throw badCursor("it belongs to another list of ids");
    if (cursor?.ended) return null;
    const from = cursor ?? Cursor.start("i", of, now);
    return await completionsOfIds(store, notifier, ids, from, options, query.ids);
  }
}

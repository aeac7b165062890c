// Submitting: checked submissions become tasks, all of a call or none. An idempotency key is written in the same
// commit as the tasks it stands for, so the same call again finds them, whoever answers it.

import { check, type Checked, draftOf } from "./draft.ts";
import type { QueueDepth } from "./depth.ts";
import { ConflictError, IdempotencyMismatchError } from "./errors.ts";
import { type GroupRecord, groupWrite } from "./group_log.ts";
import { keys } from "./keys.ts";
import type { Write } from "./kv.ts";
import type { Registry } from "./registry.ts";
import type { Store } from "./store.ts";
import type { Submission } from "./submission.ts";
import { type Entry, isForgotten, type Stored, type StoredValue, type TaskRecord, typeOf } from "./task.ts";
import { submitted } from "./transitions.ts";
import type { Change, UnitOptions } from "./unit.ts";
import type { Values } from "./values.ts";

/** The same key with the same fingerprint of the call stands for the same tasks, for a day. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

export interface SubmitCall {
  submissions: Submission[];
  /** The pointer to the n-th submission within what the caller sent. */
  pointerOf: (index: number) => string;
  /** Make a group of them. */
  group?: boolean;
  idempotency?: Idempotency;
}

export interface Submitted {
  /** As they were submitted, in the order of the submissions. */
  entries: Entry[];
  groupId: string | null;
  /** The call came before under its idempotency key: these are its tasks as they were then. */
  replayed: boolean;
}

interface IdemRecord {
  fingerprint: string;
  ids: string[];
  groupId: string | null;
  createdAt: number;
  /** False while a call of several commits is under way, or was cut off. */
  complete: boolean;
}

/** What is known of a call's idempotency key before it is stored. */
interface Idem {
  guard: { key: Deno.KvKey; versionstamp: string | null };
  fingerprint: string;
  /** A call that was cut off between its commits: what it had decided. */
  resumed: { ids: string[]; groupId: string | null } | null;
}

/** An id made by another machine a moment ago; lists by time look this much further. */
export const CLOCKS_APART_MS = 60_000;
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export class Submitter {
  /** Keys whose first call this process is still working on. */
  readonly #inFlight = new Set<string>();
  /** Ids of callers' own that this process is just storing. */
  readonly #ownIds = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly registry: Registry,
    private readonly maxInputBytes: number,
    private readonly depth: QueueDepth,
  ) {}

  /**
   * Stores the tasks of one call. When it resolves they are on disk.
   *
   * @throws {ValidationError | UnknownDefinitionError | TooLargeError} before anything is stored.
   * @throws {QueueFullError} if too many wait already.
   * @throws {ConflictError} if an id is taken, or if a call with the same idempotency key is under way.
   * @throws {IdempotencyMismatchError} if the key was used for another call.
   */
  async submit(call: SubmitCall): Promise<Submitted> {
    const { idempotency } = call;
    if (!idempotency) return await this.#storeAlone(call, null);
    const { key } = idempotency;
    if (this.#inFlight.has(key)) {
      const message = `a call with the idempotency key "${key}" is still under way`;
      throw new ConflictError(message, "/header/idempotency-key");
    }
    this.#inFlight.add(key);
    try {
      return await this.#storeOnce(call, idempotency);
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #storeOnce(call: SubmitCall, { key, fingerprint }: Idempotency): Promise<Submitted> {
    for (;;) {
      const { value, versionstamp } = await this.store.kv.get<IdemRecord>(keys.idem(key));
      const known = value && value.createdAt + IDEMPOTENCY_MS > this.store.clock.now() ? value : null;
      if (known && known.fingerprint !== fingerprint) throw new IdempotencyMismatchError(key);
      if (known?.complete) return this.#replay(call, known);
      const resumed = known && { ids: known.ids, groupId: known.groupId };
      const guard = { key: keys.idem(key), versionstamp };
      try {
        return await this.#storeAlone(call, { guard, fingerprint, resumed });
      } catch (error) {
        // Another process may have been first with this key; then its answer is the answer.
        const now = await this.store.kv.get<IdemRecord>(keys.idem(key));
        if (!(error instanceof ConflictError) || now.versionstamp === versionstamp) throw error;
      }
    }
  }

  /** The same call gives the same first answer, whatever has become of the tasks since. */
  #replay(call: SubmitCall, { ids, groupId, createdAt }: IdemRecord): Submitted {
    const groups = groupId === null ? [] : [groupId];
    const entries = this.#checked(call).map((one, i): Entry => {
      const draft = { ...draftOf(one, ids[i], createdAt, groups), input: { json: one.input } };
      return { record: submitted(draft, createdAt), versionstamp: "" };
    });
    return { entries, groupId, replayed: true };
  }

  #checked(call: SubmitCall): Checked[] {
    const checked = check(this.registry, call.submissions, this.maxInputBytes, call.pointerOf);
    const seen = new Map<string, number>();
    checked.forEach(({ submission: { id } }, index) => {
      if (id === undefined) return;
      if (seen.has(id)) {
        throw new ConflictError(
          `id ${id} stands at ${call.pointerOf(seen.get(id)!)}/id too`,
          `${call.pointerOf(index)}/id`,
        );
      }
      seen.set(id, index);
    });
    return checked;
  }

  /**
   * Keeps other calls off the callers' own ids: a call of several commits must not find one taken half-way. Another
   * process could still come between, which is found by the commit itself.
   */
  async #storeAlone(call: SubmitCall, idem: Idem | null): Promise<Submitted> {
    const checked = this.#checked(call);
    await this.depth.admit(checked.length);
    const own = checked.flatMap(({ submission: { id } }) => id ?? []);
    const taken = own.findIndex((id) => this.#ownIds.has(id));
    if (taken >= 0) {
      const index = checked.findIndex(({ submission: { id } }) => id === own[taken]);
      throw new ConflictError(`id ${own[taken]} is taken`, `${call.pointerOf(index)}/id`);
    }
    for (const id of own) this.#ownIds.add(id);
    try {
      return await this.#store(call, checked, idem);
    } finally {
      for (const id of own) this.#ownIds.delete(id);
    }
  }

  async #store(call: SubmitCall, checked: Checked[], idem: Idem | null): Promise<Submitted> {
    const { store } = this;
    const now = store.clock.now();
    const ids = idem?.resumed?.ids ?? checked.map(({ submission }) => submission.id ?? store.ids.id());
    const groupId = idem?.resumed ? idem.resumed.groupId : call.group ? store.ids.id() : null;
    const drawn = !idem?.resumed && checked.every(({ submission }) => submission.id === undefined);
    if (!idem?.resumed) await this.#requireFree(call, checked);

    const groups = groupId === null ? [] : [groupId];
    const drafts = checked.map((one, i) => draftOf(one, ids[i], now, groups));
    const inputs = await this.#storeInputs(drafts, checked);
    const changes: Change[] = drafts.map((draft, i) => ({
      before: null,
      next: submitted({ ...draft, input: inputs[i] }, now),
    }));

    const first: Write[] = [];
    // A call that is taken up again finds its group there, perhaps with ends counted already.
    if (groupId !== null && !idem?.resumed) {
      const group: GroupRecord = { id: groupId, total: ids.length, log: 0, ended: {}, createdAt: now };
      first.push(groupWrite(group, now));
    }
    if (ids.some((id) => !tells(id, now))) {
      first.push({ key: keys.oddIds, value: true });
    }
    const idemWrite = (complete: boolean): Write => ({
      key: idem!.guard.key,
      value: { fingerprint: idem!.fingerprint, ids, groupId, createdAt: now, complete } satisfies IdemRecord,
      expireAt: now + IDEMPOTENCY_MS,
    });

    let packs = changes.length === 1 ? [changes] : store.pack(changes, { fresh: drawn });
    // Over several commits, another process may take up the same call in between and make these very ids.
    const fresh = drawn && (idem === null || packs.length === 1);
    if (drawn && !fresh) packs = store.pack(changes, { fresh });
    const entries: Entry[] = [];
    for (const [n, pack] of packs.entries()) {
      const last = n === packs.length - 1;
      const options: UnitOptions = { fresh, writes: n === 0 ? first : [] };
      if (n === 0 && idem) options.checks = [idem.guard];
      if (idem && (n === 0 || last)) options.writes!.push(idemWrite(last));
      const applied = await this.#commitPack(pack, options, Boolean(idem?.resumed));
      if (!applied) {
        await Promise.all(pack.map(({ next }) => this.values.discard(next.id, (next as TaskRecord).input)));
        throw new ConflictError(await this.#describeConflict(pack));
      }
      entries.push(...applied.map((entry, i) => asSubmitted(entry, pack[i].next as TaskRecord)));
    }
    return { entries, groupId, replayed: false };
  }

  /** A call that is taken up again after a crash finds some of its tasks already there, each one whole. */
  async #commitPack(pack: Change[], options: UnitOptions, resumed: boolean): Promise<Entry[] | null> {
    if (!resumed) return await this.store.commit("submit", pack, options) as Entry[] | null;
    const there = await this.store.peekMany(pack.map(({ next }) => next.id));
    const missing = pack.filter((_, i) => there[i] === null);
    const applied = await this.store.commit("submit", missing, options) as Entry[] | null;
    if (!applied) return null;
    const made = new Map(applied.map((entry) => [entry.record.id, entry]));
    return pack.map(({ next }) => made.get(next.id) ?? { record: next as TaskRecord, versionstamp: "" });
  }

  /** Ids of the caller's own must be free; most conflicts are found here, before anything is written. */
  async #requireFree(call: SubmitCall, checked: Checked[]): Promise<void> {
    const own = checked.flatMap(({ submission: { id } }, index) => id === undefined ? [] : [{ id, index }]);
    if (own.length === 0) return;
    const found = await this.store.kv.getMany(own.map(({ id }) => keys.task(id)));
    const taken = own.find((_, i) => found[i].versionstamp !== null);
    if (taken) {
      throw new ConflictError(`id ${taken.id} is taken`, `${call.pointerOf(taken.index)}/id`);
    }
  }

  async #describeConflict(pack: Change[]): Promise<string> {
    const found = await this.store.readMany(pack.map(({ next }) => next.id));
    const taken = pack.find((_, i) => found[i] !== null);
    return taken ? `id ${taken.next.id} is taken` : "another call with this idempotency key came first";
  }

  async #storeInputs(drafts: TaskRecord[], checked: Checked[]): Promise<StoredValue[]> {
    const inputs: StoredValue[] = [];
    for (const [i, draft] of drafts.entries()) {
      inputs.push(await this.values.store(draft.id, checked[i].input));
    }
    return inputs;
  }
}

/** What the caller is told. A task may have begun in the very commit that stored it: then its version is another. */
function asSubmitted(entry: Entry<Stored>, record: TaskRecord): Entry {
  // After a commit that was read back it may have been forgotten already.
  const isSame = !isForgotten(entry.record) && typeOf(entry.record) === typeOf(record);
  return isSame ? entry as Entry : { record, versionstamp: "" };
}

/**
 * True if an id is a UUIDv7 of this moment, so that it sorts like all others. Ids of callers' own may not be, nor those
 * that are drawn after the clock was set back: they go on from the later time.
 */
function tells(id: string, now: number): boolean {
  return id[14] === "7" && Math.abs(parseInt(id.slice(0, 8) + id.slice(9, 13), 16) - now) < CLOCKS_APART_MS;
}

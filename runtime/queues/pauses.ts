// Pauses and resumes a queue, a definition, or everything. What has started goes on; submits, timers and
// expiries too.

import { UnavailableError } from "../core/errors.ts";
import { type ControlKind, keys } from "../platform/keys.ts";
import { heldId } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import type { Control, Pause } from "./control_set.ts";
import type { Controls } from "./controls.ts";

export interface PauseRequest {
  note?: string | null;
  /** Milliseconds since the epoch. */
  untilMs?: number | null;
}

/** Of `by`: null for a caller without a key. */
export interface Change {
  kind: ControlKind;
  name: string;
  by: string | null;
}

/** Another process may change the same at the same moment. */
const MOST_TRIES = 50;

/**
 * Resolves once nothing of it starts any more in this process; in others nothing does a second later. A pause
 * of what is paused takes the new note and end, and keeps its beginning.
 */
export function pause(
  store: Store,
  controls: Controls,
  change: Change,
  request: PauseRequest,
): Promise<Pause> {
  return controls.inTurn(() => pauseNow(store, controls, change, request));
}

async function pauseNow(
  store: Store,
  controls: Controls,
  { kind, name, by }: Change,
  { note = null, untilMs = null }: PauseRequest,
): Promise<Pause> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const known = await store.kv.get<Control>(keys.control(kind, name));
    const since = known.value?.paused?.since ?? store.clock.now();
    const paused: Pause = { note, since, until: untilMs, by };
    const control: Control = { ...known.value, paused };
    controls.expect(kind, name, control);
    const writes = [{ key: keys.control(kind, name), value: control }, newVersion(store)];
    const applied = await store.commit("settle", [], { checks: [known], writes });
    await controls.lookAgain();
    if (!applied) continue;
    // Starts that were decided before are on disk, or will never be.
    await store.underWay();
    return paused;
  }
  throw new UnavailableError("others change the same pause again and again: look what holds, and try again");
}

/**
 * Resolves once it may start again, in every process that looks. What was not paused stays as it is.
 *
 * @returns false if it was not paused
 */
export function resume(
  store: Store,
  controls: Controls,
  change: Omit<Change, "by">,
  onOutbox: (subject: string) => void,
  isDue: (pause: Pause) => boolean = () => true,
): Promise<boolean> {
  return controls.inTurn(() => resumeNow(store, controls, change, onOutbox, isDue));
}

async function resumeNow(
  store: Store,
  controls: Controls,
  { kind, name }: Omit<Change, "by">,
  onOutbox: (subject: string) => void,
  isDue: (pause: Pause) => boolean,
): Promise<boolean> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const known = await store.kv.get<Control>(keys.control(kind, name));
    if (!known.value?.paused || !isDue(known.value.paused)) {
      await controls.lookAgain();
      return false;
    }
    const { concurrency } = known.value;
    const left: Control | undefined = concurrency && { paused: null, concurrency };
    const writes: Write[] = [{ key: keys.control(kind, name), value: left }, newVersion(store)];
    // Its tasks were taken out of their queues.
    if (kind === "definition") writes.push(outboxWrite(heldId(name)));
    const applied = await store.commit("settle", [], { checks: [known], writes, rings: true });
    await controls.lookAgain();
    if (!applied) continue;
    if (kind === "definition") onOutbox(heldId(name));
    return true;
  }
  throw new UnavailableError("others change the same pause again and again: look what holds, and try again");
}

/** Ends the pauses whose time is over. */
export async function resumeWhatIsOver(
  store: Store,
  controls: Controls,
  onOutbox: (subject: string) => void,
): Promise<void> {
  for (const { kind, name } of controls.over()) {
    const isDue = ({ until }: Pause) => until !== null && until <= store.clock.now();
    await resume(store, controls, { kind, name }, onOutbox, isDue);
  }
}

export function newVersion(store: Store): Write {
  return { key: keys.controlsVersion, value: store.ids.token() };
}

// What all views are made of.

import type { ComponentChildren } from "preact";
import { ago, clock, exact, shortId } from "../data/format.ts";
import { now } from "../data/live.ts";
import { hrefOf } from "../data/route.ts";
import type { CallError } from "../data/api.ts";
import type { GroupState, State } from "../data/answers.ts";

/** By colour, shape and word. */
export function StateMark(
  { state, extra = "" }: {
    state: Pick<State, "type" | "name">;
    extra?: string;
  },
) {
  return (
    <span class={`state ${state.type.toLowerCase()}`}>
      {wordsOf(state.name)}
      {extra}
    </span>
  );
}

/** Of a group, whose states have no names. */
export function groupState(type: GroupState): Pick<State, "type" | "name"> {
  return { type, name: type[0] + type.slice(1).toLowerCase() };
}

/** `AwaitingConcurrencySlot` as people read it. */
export function wordsOf(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").replace(
    / [A-Z]/g,
    (letter) => letter.toLowerCase(),
  );
}

/** How long ago, with the exact instant on hover. */
export function Ago({ at }: { at: string | number | null | undefined }) {
  if (at === null || at === undefined) return <span class="dim">–</span>;
  const ms = typeof at === "number" ? at : Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact(ms)}>
      {ago(ms, now.value)}
    </time>
  );
}

/** When a rule was changed, and by which key. */
export function Changed({ of: { changedAt, changedBy } }: {
  of: { changedAt: string; changedBy: string | null };
}) {
  return (
    <>
      <Ago at={changedAt} /> {changedBy && (
        <>
          by <bdi>{changedBy}</bdi>
        </>
      )}
    </>
  );
}

/** The time of day in the reader's zone, with the exact instant on hover. */
export function At({ at }: { at: string | number | null | undefined }) {
  if (at === null || at === undefined) return <span class="dim">–</span>;
  const ms = typeof at === "number" ? at : Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact(ms)}>
      {clock(ms)}
    </time>
  );
}

export function TaskLink({ id, name }: { id: string; name?: string | null }) {
  return (
    <a class="link" href={hrefOf("tasks", id)} title={id}>
      {name ? <bdi>{name}</bdi> : <span class="mono">{shortId(id)}</span>}
    </a>
  );
}

interface PanelProps {
  title: ComponentChildren;
  aside?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Panel(
  { title, aside, class: more = "", children }: PanelProps,
) {
  return (
    <section class={`panel ${more}`}>
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** What stands where nothing is: why, and what to do next. */
export function Empty(
  { title, children }: { title: string; children?: ComponentChildren },
) {
  return (
    <div class="empty">
      <b>{title}</b>
      {children && <div>{children}</div>}
    </div>
  );
}

export function Fault(
  { error, retry }: { error: CallError; retry?: () => void },
) {
  return (
    <div class="fault" role="alert">
      <span>
        {error.message}
        {error.faults.map(({ pointer, message }) => (
          <span class="line" key={pointer + message}>
            <code>{pointer}</code> {message}
          </span>
        ))}
      </span>
      {retry && <button type="button" onClick={retry}>Try again</button>}
    </div>
  );
}

/** Grey bars where lines will be, as high as these. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, i) => <i key={i} />)}
    </div>
  );
}

/** Its value, or why it is not there, or that it comes. */
export function Shown<Value>({ loaded, lines, children }: {
  loaded: { value: Value | null; error: CallError | null; reload: () => void };
  lines?: number;
  children: (value: Value) => ComponentChildren;
}) {
  const { value, error, reload } = loaded;
  if (value !== null) return <>{children(value)}</>;
  if (error) return <Fault error={error} retry={reload} />;
  return <Skeleton lines={lines} />;
}

export function Meter({ share, label }: { share: number; label: string }) {
  const percent = Math.min(100, Math.max(0, share * 100));
  return (
    <div
      class="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}

// When to look again. The service says when something changes; what is shown is read again at most once a
// second, and by a clock where there is no such stream. A tab in the background asks for nothing.

import { effect, signal } from "@preact/signals";
import { BASE } from "./api.ts";
import { findCaller, isReached, isSignedIn } from "./session.ts";

/** Rises whenever what is shown may be out of date. */
export const beat = signal(0);
/** The time, by the second, for what counts up. */
export const now = signal(Date.now());
export type Liveness = "live" | "polling" | "away" | "paused";
export const liveness = signal<Liveness>("polling");
const isVisible = signal(!document.hidden);

/** What a burst of changes is gathered for. */
const SETTLE_MS = 400;
/** Also with a stream: what it does not tell, as the age of a worker. */
const SLOW_MS = 15_000;
const FAST_MS = 3_000;
const AGAIN_MS = 2_000;
const LONGEST_AGAIN_MS = 60_000;

let stream: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let isDue = false;
let failures = 0;
let againAt = 0;

document.addEventListener(
  "visibilitychange",
  () => isVisible.value = !document.hidden,
);

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);

function ring(): void {
  if (isDue || document.hidden) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    if (!document.hidden) beat.value++;
  }, SETTLE_MS);
}

function close(): void {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

function open(): void {
  close();
  failures = 0;
  connect();
  poll();
}

function connect(): void {
  const source = stream = new EventSource(`${BASE}/v1/events`);
  source.onopen = () => {
    failures = 0;
    liveness.value = "live";
    ring();
  };
  source.onerror = () => {
    liveness.value = isReached.value ? "polling" : "away";
    // The browser tries again by itself, unless it was answered that there is no such stream.
    if (source.readyState !== EventSource.CLOSED || stream !== source) return;
    stream = null;
    againAt = Date.now() + Math.min(LONGEST_AGAIN_MS, AGAIN_MS * 2 ** failures++);
  };
  for (const kind of ["state", "gap"]) source.addEventListener(kind, ring);
}

/** Looks again by the clock, and tries the stream again from time to time. */
function poll(): void {
  const isLive = stream?.readyState === EventSource.OPEN;
  liveness.value = !isReached.value ? "away" : isLive ? "live" : "polling";
  timer = setTimeout(() => {
    if (!isReached.value) findCaller();
    beat.value++;
    if (stream === null && Date.now() >= againAt) connect();
    poll();
  }, isLive ? SLOW_MS : FAST_MS);
}

effect(() => {
  if (isSignedIn.value && isVisible.value) {
    now.value = Date.now();
    beat.value = beat.peek() + 1;
    open();
  } else {
    close();
    liveness.value = "paused";
  }
});

// Whoever comes back to a service that was away sees the present at once.
effect(() => {
  if (isReached.value && isSignedIn.peek()) ring();
});

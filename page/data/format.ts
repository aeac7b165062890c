// Numbers, times and sizes as people read them.

const INTEGER = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
});
const EXACT = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "full",
  timeStyle: "long",
});
const DAY_MS = 24 * 60 * 60 * 1000;

export function count(value: number): string {
  return INTEGER.format(value);
}

/** `3 tasks`, `1 task`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `4 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`, `3 d`. */
export function duration(ms: number): string {
  const all = Math.max(0, ms);
  if (all < 1_000) return `${Math.round(all)} ms`;
  if (all < 10_000) return `${(all / 1_000).toFixed(1)} s`;
  const seconds = Math.round(all / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) {
    return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  }
  if (seconds < 48 * 3_600) {
    return pair(
      Math.floor(seconds / 3_600),
      "h",
      Math.floor(seconds / 60) % 60,
      "min",
    );
  }
  return pair(
    Math.floor(seconds / 86_400),
    "d",
    Math.floor(seconds / 3_600) % 24,
    "h",
  );
}

function pair(
  large: number,
  largeUnit: string,
  small: number,
  smallUnit: string,
): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `12 s ago`, `in 3 min`, `just now`. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 1_500) return "just now";
  const text = Math.abs(ms) < 10_000 ? `${Math.round(Math.abs(ms) / 1_000)} s` : duration(Math.abs(ms));
  const short = text.split(" ").slice(0, 2).join(" ");
  return ms > 0 ? `${short} ago` : `in ${short}`;
}

/** `18:02:11`, with the day if it is another one. */
export function clock(at: number, now = Date.now()): string {
  const isNear = Math.abs(now - at) < DAY_MS &&
    new Date(at).getDate() === new Date(now).getDate();
  return isNear ? CLOCK.format(at) : `${DAY.format(at)} ${CLOCK.format(at)}`;
}

/** With the milliseconds, for logs. */
export function clockMs(at: number): string {
  return `${CLOCK.format(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
}

/** The instant in full, in the reader's zone and in UTC. */
export function exact(at: number): string {
  return `${EXACT.format(at)} · ${new Date(at).toISOString()}`;
}

export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  if (size < 1_024 ** 2) return `${(size / 1_024).toFixed(1)} KiB`;
  return `${(size / 1_024 ** 2).toFixed(1)} MiB`;
}

/** An id as lists show it: its random end tells neighbours apart. */
export function shortId(id: string): string {
  return id.length > 13 ? `…${id.slice(-12)}` : id;
}

/** What was typed as a number, or null. */
export function whole(text: string): number | null {
  return /^-?\d+$/.test(text.trim()) ? Number(text) : null;
}

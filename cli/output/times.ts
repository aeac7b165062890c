// Times for people. JSON has the exact instants.

const UNITS: [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];

/** `3 min`, `2 d`; less than a second in milliseconds. */
export function span(ms: number): string {
  const [size, name] = UNITS.find(([size]) => ms >= size) ?? [1, "ms"];
  return `${Math.floor(Math.max(0, ms) / size)} ${name}`;
}

/** `3 min ago`, `in 2 h`; empty for null. */
export function ago(iso: string | null | undefined, now: number): string {
  if (!iso) return "";
  const ms = now - Date.parse(iso);
  if (ms < 0) return `in ${span(-ms)}`;
  return ms < 1_000 ? "now" : `${span(ms)} ago`;
}

/** `2026-11-29 14:54:01`, in UTC. */
export function instant(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 19).replace("T", " ") : "";
}

/** `14:54:01.123`, in UTC. */
export function clockTime(iso: string): string {
  return iso.slice(11, 23);
}

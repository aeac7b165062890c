// The generic cell rate algorithm: one number for each key says when its next start is due. A task reserves
// its place when it is ready: those within the burst start at once, and the others at their instants, in
// order.

/** So many units in a period, up to `burst` of them at once. */
export interface Rate {
  limit: number;
  periodMs: number;
  burst: number;
}

/** The theoretical arrival time: when the last reserved unit is used up, if units come evenly. */
export type ArrivalTime = number;

/** Reserves. Both are milliseconds since the epoch; the start may be due already. */
export function reserve(
  arrivalTime: ArrivalTime,
  { limit, periodMs, burst }: Rate,
  units: number,
  now: number,
): { arrivalTime: ArrivalTime; startAt: number } {
  const each = periodMs / limit;
  const next = Math.max(arrivalTime, now) + units * each;
  return { arrivalTime: next, startAt: next - Math.max(burst, units) * each };
}

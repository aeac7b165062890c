// GET /v1/stats.

/** That the page shows. */
export const MINUTES = 30;

interface Percentiles {
  count: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

export interface Happened {
  submitted: number;
  ended: Record<string, number>;
  wait: Percentiles;
  run: Percentiles;
}

export interface Stats {
  at: string;
  minutes: number;
  happened: Happened;
  definitions: { task: string; happened: Happened }[];
  perMinute: { at: string; happened: Happened }[];
}

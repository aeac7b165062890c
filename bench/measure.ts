// The figures that every case returns, and how they are computed.

export interface Measurement {
  name: string;
  /** Tasks, messages or writes. */
  count: number;
  seconds: number;
  /** Latencies of single ones, where that is what is measured. */
  latencies?: Percentiles;
  notes?: string;
}

export interface Percentiles {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export function perSecond({ count, seconds }: Measurement): number {
  return count / seconds;
}

export function percentiles(milliseconds: number[]): Percentiles {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted[sorted.length - 1] };
}

/** Runs `lanes` loops that share a count of `total`. */
export async function inLanes(
  total: number,
  lanes: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < total) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A database file of its own, removed afterwards. */
export async function withFile<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "errand-bench-" });
  try {
    return await work(`${folder}/bench.kv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

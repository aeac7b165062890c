// Durations, counted by how long they are. Bounds are 1 ms and each a fifth above the one before (four for
// each doubling), so that a percentile is right within a fifth, in a room that does not grow.

/** The last one takes all that is longer: 37 hours. */
export const BUCKETS = 109;

const PER_DOUBLING = 4;

/** The longest duration that is counted in a bucket, in milliseconds. */
export function boundOf(bucket: number): number {
  return 2 ** (bucket / PER_DOUBLING);
}

/** One bound in eight, each four times the one before: 1 ms, 4 ms, … 18 hours. */
const PER_WIDE = 2 * PER_DOUBLING;
export const WIDE_BOUNDS: readonly number[] = Array.from(
  { length: Math.ceil((BUCKETS - 1) / PER_WIDE) },
  (_, i) => boundOf(i * PER_WIDE),
);

function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(PER_DOUBLING * Math.log2(ms)));
}

export class Histogram {
  readonly counts: Uint32Array = new Uint32Array(BUCKETS);
  count = 0;
  sumMs = 0;

  add(ms: number): void {
    this.counts[bucketOf(ms)]++;
    this.count++;
    this.sumMs += Math.max(0, ms);
  }

  merge(other: Histogram): void {
    for (let i = 0; i < BUCKETS; i++) this.counts[i] += other.counts[i];
    this.count += other.count;
    this.sumMs += other.sumMs;
  }

  /** How many are within each of {@linkcode WIDE_BOUNDS}. */
  within(): number[] {
    let within = 0;
    let next = 0;
    return WIDE_BOUNDS.map((_, i) => {
      while (next <= i * PER_WIDE) within += this.counts[next++];
      return within;
    });
  }

  /** About how long that part of them took at the most, in milliseconds; null if there are none. */
  percentile(part: number): number | null {
    if (this.count === 0) return null;
    let left = part * this.count;
    for (let i = 0; i < BUCKETS; i++) {
      const here = this.counts[i];
      if (here > 0 && left <= here) {
        const from = i === 0 ? 0 : boundOf(i - 1);
        return from + (boundOf(i) - from) * (left / here);
      }
      left -= here;
    }
    return boundOf(BUCKETS - 1);
  }

  /** `[sum, bucket, count, bucket, count, …]`, of the buckets that have any. */
  packed(): number[] {
    const packed = [Math.round(this.sumMs)];
    this.counts.forEach((count, i) => count > 0 && packed.push(i, count));
    return packed;
  }

  static of([sumMs, ...counts]: readonly number[]): Histogram {
    const histogram = new Histogram();
    histogram.sumMs = sumMs;
    for (let i = 0; i + 1 < counts.length; i += 2) {
      histogram.counts[Math.min(BUCKETS - 1, counts[i])] += counts[i + 1];
      histogram.count += counts[i + 1];
    }
    return histogram;
  }
}

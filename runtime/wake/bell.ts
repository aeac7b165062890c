// A doorbell says "there may be work". It is only ever a hint: the queue in KV is the truth, and with every doorbell
// but the sweep gone, all tasks still run.

export interface Doorbell {
  /** Adds what this bell needs to a commit that makes tasks ready. */
  onCommit?(atomic: Deno.AtomicOperation): void;
  /** Starts ringing. */
  start(ring: () => void): void;
  stop(): void | Promise<void>;
}

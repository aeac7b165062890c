// A doorbell says "there may be work". It is only ever a hint: the queue in KV is the truth, and with every doorbell
// but the sweep gone, all tasks still run.

export interface Doorbell {
  /** Adds what this bell needs to a commit that makes tasks ready. */
  onCommit?(atomic: Deno.AtomicOperation): void;
  /** A task has ended in this process. */
  onEnd?(): void;
  /**
   * Starts ringing.
   *
   * @param look called when tasks may have ended elsewhere
   */
  start(ring: () => void, look: () => void): void;
  stop(): void | Promise<void>;
}

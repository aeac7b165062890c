// A doorbell says "there may be work". It is only a hint: the queue in KV is the truth. With the sweep as the
// only doorbell all tasks still run, later.

export interface Doorbell {
  onCommit?(atomic: Deno.AtomicOperation): void;
  onEnd?(): void;
  /**
   * Starts ringing.
   *
   * @param look called when tasks may have ended in other processes
   */
  start(ring: () => void, look: () => void): void;
  stop(): void | Promise<void>;
}

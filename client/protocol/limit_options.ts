// What a submit may say about which tasks run beside it, or in its place.

/** While one task of its definition has a key, no other one with this key is made. */
export interface UniqueOptions {
  /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
  key?: string;
  /** How long it has the key: until it starts, until it has ended (the default), or for `forMs`. */
  while?: "waiting" | "active" | "forMs";
  /** From the submit on. With `while: "forMs"`, and only then. */
  forMs?: number;
  /**
   * A submit whose key another task has gets that task (the default) or a 409; or that task gets its input,
   * if it has not started; or that task is cancelled, and the new one starts when it has ended.
   */
  onConflict?: "return" | "reject" | "replace" | "cancel";
}

/** Submits with one key, each soon after the one before, make one task, which starts after the last one. */
export interface DebounceOptions {
  key: string;
  /** It starts when there was no submit for so long. */
  delayMs: number;
  /** It starts so long after its first submit at the latest. Default: ten times `delayMs`. */
  maxDelayMs?: number;
  /** Which of the inputs it gets. Default: the last one. */
  input?: "last" | "first";
}

/** At most `limit` tasks with the key run at once, in all processes. */
export interface ConcurrencyOptions {
  key: string;
  /** 0 to 10,000; 0 holds all. Left out: only a rule limits it. */
  limit?: number;
  /**
   * When no slot is free: wait for one (default), 409 `limit-full`, the new task ends CANCELLED, or the
   * oldest one is asked to stop.
   */
  onFull?: "queue" | "reject" | "cancel-new" | "cancel-running";
}

/** `limit` units of tasks with the key start in `periodMs`, in all processes; the others wait. */
export interface RateLimitOptions {
  key: string;
  /** Left out, with `periodMs`: only a rule limits it. */
  limit?: number;
  periodMs?: number;
  /** So many units may start at once after a pause. Default 1. */
  burst?: number;
  /** What a start of this task takes. Default 1. */
  units?: number;
}

/** A result of its definition, in its version, that is there under the key already is given again. */
export interface CacheOptions {
  /** How old it may be. */
  ttlMs: number;
  /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
  key?: string;
  /** Take none, and give the new one to those that come later. */
  refresh?: boolean;
}

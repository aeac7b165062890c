/** Kinds of timers. */
export type DueKind =
  /** A scheduled task starts. */
  | "start"
  /** A task that waits for its place in a rate may start. */
  | "rate"
  /** A waiting one expires. */
  | "expire"
  /** What an ended one stored is removed. */
  | "purge"
  /** A call that was cut off behind its barrier is undone. */
  | "unseal"
  /** The tasks of a group whose call was cut off are counted. */
  | "recount"
  /** A group that nobody needs is removed. */
  | "group"
  /** A group that has not ended is stopped. */
  | "deadline"
  /** The tasks in the place of one take too long. */
  | "replaced"
  | "schedule";

/** Tasks that a function has put in the place of its own. */
export interface Replacement<Value> {
  /** The flow, as the function returned it. */
  flow: Value;
  /** When the attempt takes too long. */
  until: number;
  /** It has taken too long: its tasks are cancelled, and it ends when they have. */
  isLate?: true;
  /** The group of its tasks, once the task waits for them. */
  group?: string;
  /** What they hand on together, as references to them. */
  result?: Value;
}

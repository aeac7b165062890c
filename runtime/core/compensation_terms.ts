// What a record says of what takes its task back, or of what it takes back itself.

export interface CompensationTerms {
  /** JSON text of what takes it back if it completes and its group does not (compensation.ts). */
  compensate?: string;
  /** The task that it takes back. */
  compensates?: string;
}

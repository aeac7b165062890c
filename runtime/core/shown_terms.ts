// What a record says for those who look at it.

export interface ShownTerms {
  /** What people call this run. */
  displayName?: string;
  /** That of its definition, when it was submitted. */
  version?: string;
  /** What its function returns is not stored. */
  ignoreResult?: true;
  /** JSON Pointers to what of its input is not shown (redaction.ts). */
  redact?: string[];
}

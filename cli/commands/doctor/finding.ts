export interface Finding {
  what: string;
  /** "wrong" is what keeps it from working; "odd" is worth a look. */
  found: "ok" | "odd" | "wrong" | "skipped";
  message: string;
}

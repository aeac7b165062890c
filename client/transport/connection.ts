import type { CompletionHub } from "./completion_hub.ts";
import type { Http } from "./http.ts";
import type { StatusBatcher } from "./status_batcher.ts";

/** What the futures of one client share. */
export interface Connection {
  readonly http: Http;
  readonly completions: CompletionHub;
  readonly statuses: StatusBatcher;
  /** Told of errors in callbacks, which no caller could catch. */
  readonly log: (message: string, error: unknown) => void;
}

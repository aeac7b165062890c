import type { Arrivals } from "./arrivals.ts";
import type { Http } from "./http.ts";
import type { Looks } from "./looks.ts";

/** What the futures of one client share. */
export interface Connection {
  readonly http: Http;
  readonly arrivals: Arrivals;
  readonly looks: Looks;
  /** Told of errors in callbacks, which have nobody to be thrown at. */
  readonly log: (message: string, error: unknown) => void;
}

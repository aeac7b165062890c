// One promise of another system, and the test that shows that it is kept here, or why it is not yet.

import type { Errand } from "../support/client_service.ts";

export interface Kept {
  /** In the system's own words and names. */
  promise: string;
  /** Where the system says so. */
  source: string;
  /**
   * What stands for it here, where nothing does the same by itself: the caller says more, or does a part.
   * Such rows are counted apart.
   */
  by?: string;
  /** Its test opens chromium. */
  inBrowser?: true;
  test: (errand: Errand) => Promise<void>;
}

export interface NotYet {
  promise: string;
  source: string;
  /** Why, and what has to come first. */
  notYet: string;
}

export type Row = Kept | NotYet;

export interface System {
  name: string;
  rows: Row[];
}

/** The same in the table, in the list of passing rows and as the name of the test. */
export function nameOf(system: System, { promise, source }: Row): string {
  return `${system.name} · ${promise} (${source})`;
}

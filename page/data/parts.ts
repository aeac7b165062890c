// Parts of the page that only some views need: loaded by their first use, in the version of this page.

import type * as Chart from "../chart.ts";

function urlOf(name: string): URL {
  const url = new URL(name, import.meta.url);
  url.search = new URL(import.meta.url).search;
  return url;
}

export function chartModule(): Promise<typeof Chart> {
  return import(urlOf("./chart.js").href);
}

export function graphWorker(): Worker {
  return new Worker(urlOf("./graph_worker.js"));
}

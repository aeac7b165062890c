// What the page shows is in its address, behind the #, so that a link to it can be sent to others.

import { computed, signal } from "@preact/signals";

export interface Route {
  /** As `["tasks", "0199…"]`. */
  parts: string[];
  query: URLSearchParams;
}

function read(): Route {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter((part) => part !== "").map(decoded);
  return { parts, query: new URLSearchParams(query) };
}

/** An address that somebody has cut off must not break the page. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal<Route>(read());
export const view = computed(() => route.value.parts[0] ?? "overview");

addEventListener("hashchange", () => route.value = read());

/** The address of a view: `hrefOf("tasks", id)`. */
export function hrefOf(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(href: string): void {
  location.hash = href;
}

/**
 * To be called where an action begins whose answer leads elsewhere. An answer that comes after the reader has
 * gone away leaves them where they are.
 */
export function fromHere(): typeof go {
  const began = entryShown();
  return (href) => {
    if (entryShown() === began) go(href);
  };
}

/** A name of the entry in the browser's history that is shown: each visit of a place has its own. */
function entryShown(): string {
  if (typeof history.state !== "string") history.replaceState(String(Math.random()), "");
  return history.state;
}

/** Changes filters of the view that is shown, without a new entry in the history. */
export function setQuery(changes: Record<string, string | null>): void {
  const query = new URLSearchParams(route.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(
    history.state,
    "",
    hrefOf(...route.value.parts) + (text === "" ? "" : `?${text}`),
  );
  route.value = read();
}

// Who is signed in, and what it may do.

import { computed, signal } from "@preact/signals";
import { call, CallError, get, watchCalls } from "./api.ts";

export interface Caller {
  /** Null where calls need no key. */
  name: string | null;
  tenant: string | null;
  scopes: string[];
  patterns: string[];
}

/** Undefined: not known yet. Null: nobody is signed in. */
export const caller = signal<Caller | null | undefined>(undefined);
/** Why there is no caller. */
export const signInNote = signal<string | null>(null);
/** False while the service does not answer. */
export const isReached = signal(true);

export const isSignedIn = computed(() => caller.value !== null && caller.value !== undefined);

/** True if the caller may do what needs this scope. */
export function may(scope: string): boolean {
  const scopes = caller.value?.scopes ?? [];
  return scopes.includes("admin") || scopes.includes(scope);
}

watchCalls((status) => {
  isReached.value = status !== 0;
  if (status === 401 && caller.value) {
    caller.value = null;
    signInNote.value = "Your session has ended. Sign in again to go on where you were.";
  }
});

export async function findCaller(): Promise<void> {
  try {
    caller.value = await get<Caller>("/v1/session");
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.status === 401) caller.value = null;
    // Somebody else's fault: it is tried again.
    else if (caller.value === undefined) setTimeout(findCaller, 2_000);
    if (error.status === 403) signInNote.value = error.message;
  }
}

/** @throws {CallError} */
export async function signIn(secret: string): Promise<void> {
  const authorization = `Bearer ${secret.trim()}`;
  caller.value = await call<Caller>("POST", "/v1/session", {
    headers: { authorization },
  });
  signInNote.value = null;
}

export async function signOut(): Promise<void> {
  await call("DELETE", "/v1/session").catch((error) => {
    if (!(error instanceof CallError) || error.status !== 401) throw error;
  });
  caller.value = null;
  signInNote.value = null;
}

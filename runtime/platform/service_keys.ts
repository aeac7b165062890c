// The keys of what the service keeps beside tasks.

type Key = Deno.KvKey;

export const serviceKeys = {
  /** The secret that tickets are signed with: made once, and the same for all processes. */
  ticketSecret: ["ticket-secret"] as Key,
  /** A ticket that is good for one request, and was used. */
  usedTicket: (nonce: string): Key => ["used-ticket", nonce],
  /** An API key: what is known of it, and the hash of its secret. */
  apiKey: (id: string): Key => ["api-key", id],
  /** When an API key was used, by the hour. */
  apiKeyUse: (id: string): Key => ["api-key-use", id],
  /** Another value with each change of the API keys. Never removed: where it is, calls need a key. */
  apiKeysVersion: ["api-keys"] as Key,
  apiKeys: ["api-key"] as Key,
  /** How much a caller may use. */
  quota: (kind: string, tenant: string, name: string): Key => ["quota", kind, tenant, name],
  quotas: ["quota"] as Key,
  /** What callers of a tenant did. The ids rise with time. */
  audit: (tenant: string, id: string): Key => ["audit", tenant, id],
  auditBefore: (tenant: string, id?: string): Deno.KvListSelector =>
    id === undefined
      ? { prefix: ["audit", tenant] }
      : { start: ["audit", tenant, ""], end: ["audit", tenant, id] },
  apiKeyUses: ["api-key-use"] as Key,
  /** How far the task of a bulk action has come. */
  bulk: (id: string): Key => ["bulk", id],
  /** The newest entry of the log of transitions (metrics/transition_log.ts). */
  transitionLogHead: ["transitions-head"] as Key,
  transitionLog: (seq: number): Key => ["transitions", seq],
  transitionsFrom: (seq: number): Deno.KvListSelector => ({
    prefix: ["transitions"],
    start: ["transitions", seq],
  }),
  transitionOf: (key: Key) => key[1] as number,
  /** Changed now and then while somebody reads that log. */
  transitionsWanted: ["transitions-wanted"] as Key,
  /** What a process has counted in a minute (metrics/shared_counts.ts). */
  counts: (minute: number, process: string): Key => ["counts", minute, process],
  /** What all processes have counted, from one minute on. */
  countsFrom: (minute: number): Deno.KvListSelector => ({ prefix: ["counts"], start: ["counts", minute] }),
  countsOf: (key: Key) => ({ minute: key[1] as number, process: key[2] as string }),
} as const;

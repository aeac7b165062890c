// Ports for programs that must know theirs before they start. A program that can choose its own port uses 0.

/** One that is free now. Somebody else may take it before it is used. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/**
 * Below those that the kernel gives to connections: a process that is down gets its port back. A process that
 * is started by hand elsewhere may still come first; then the start fails and says so.
 */
export function lastingPorts(count: number): number[] {
  const listeners: Deno.Listener[] = [];
  while (listeners.length < count) {
    try {
      listeners.push(
        Deno.listen({ hostname: "127.0.0.1", port: 12_000 + Math.floor(Math.random() * 20_000) }),
      );
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

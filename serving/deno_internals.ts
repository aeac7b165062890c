// Deno.serve gives no hold on its connections: none can be counted, timed or cut, and when descriptors run
// out it stops to listen without a word. What it is made of can do all that, at the same cost: Deno's own
// modules (node:http2) call this function, which has been the same since 2023. It is no public interface, so
// whoever uses it must do without it where it is not there.

export type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;

/** Serves one connection, HTTP/1.1 or HTTP/2, until it ends. */
export type ServeConnection = (
  connection: Deno.Conn,
  cut: AbortSignal,
  handler: Handler,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => Pick<Deno.HttpServer, "finished" | "shutdown">;

interface Internals {
  serveHttpOnConnection?: ServeConnection;
}

export function connectionServer(): ServeConnection | null {
  // Not by a rest of the members: that loads all that Deno itself loads when it is asked for.
  const deno = Deno as unknown as { readonly internal: symbol } & Record<symbol, Internals | undefined>;
  return deno[deno.internal]?.serveHttpOnConnection ?? null;
}

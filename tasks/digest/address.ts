// Keeps a server from being sent to addresses that only it can reach (SSRF): a URL passes only if every
// address of its host is public. The connection must go to one of these addresses and not to the name: a DNS
// server may give another answer a moment later (DNS rebinding). http_get.ts does so.

import { BlockList, isIP } from "node:net";
import { refusal } from "./refusal.ts";

/** All addresses of a host name, IPv4 and IPv6; none if it does not exist. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<string[]>;

// From the IANA special-purpose address registries (RFC 6890) and the multicast ranges.
const reservedIpv4 = blockList("ipv4", [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared by carrier-grade NAT
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local, and the metadata services of clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
]);
// All that is public in IPv6 lies in 2000::/3. What is outside needs no list: ::1, fc00::/7, fe80::/10,
// ff00::/8, and IPv4 in disguise (::ffff:0:0/96 and 64:ff9b::/96), which has no business in a public DNS
// answer.
const globalIpv6 = blockList("ipv6", ["2000::/3"]);
const reservedIpv6 = blockList("ipv6", [
  "2001::/23", // protocol assignments, Teredo among them
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4: IPv4 in disguise
  "3fff::/20", // documentation
]);

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !reservedIpv4.check(address, "ipv4");
    case 6:
      return globalIpv6.check(address, "ipv6") && !reservedIpv6.check(address, "ipv6");
    default:
      return false;
  }
}

/**
 * As DNS and certificates know it. The URL parser has already made 127.0.0.1 of 0x7f.1, 2130706433 and so on.
 */
export function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/**
 * The addresses of a URL's host. Refuses the URL unless it is http or https, without credentials, and all of
 * them are public.
 *
 * @throws {Error} with `retryable` false if it is refused; what `resolve` throws if that fails.
 */
export async function requirePublic(url: URL, signal: AbortSignal, resolve: Resolve): Promise<string[]> {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refusal(`Cannot fetch "${url.protocol}" URLs: only http and https`);
  }
  if (url.username !== "" || url.password !== "") {
    throw refusal("Cannot fetch a URL with a user name or a password in it");
  }
  const hostname = hostnameOf(url);
  const addresses = await addressesOf(hostname, signal, resolve);
  for (const address of addresses) {
    // The message does not name the address: a client must not learn what an internal name resolves to.
    if (!isPublicAddress(address)) throw refusal(`Cannot fetch from ${hostname}: its address is not public`);
  }
  return addresses;
}

async function addressesOf(hostname: string, signal: AbortSignal, resolve: Resolve): Promise<string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  // `localhost`, and names that hosts files and search domains complete: DNS and `fetch` may differ on these.
  if (!hostname.includes(".") || hostname.endsWith(".localhost")) {
    throw refusal(`Cannot fetch from ${hostname}: not a public host name`);
  }
  const addresses = await resolve(hostname, signal);
  if (addresses.length === 0) throw new Error(`Cannot fetch from ${hostname}: the name has no address`);
  return addresses;
}

/** A {@linkcode Resolve} that asks DNS for A and AAAA records. If one of the two fails, the whole fails. */
export async function resolveByDns(hostname: string, signal: AbortSignal): Promise<string[]> {
  const answers = (["A", "AAAA"] as const).map(async (type) => {
    try {
      return await Deno.resolveDns(hostname, type, { signal });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
  return (await Promise.all(answers)).flat();
}

function blockList(family: "ipv4" | "ipv6", subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address, prefixLength] = subnet.split("/");
    list.addSubnet(address, Number(prefixLength), family);
  }
  return list;
}

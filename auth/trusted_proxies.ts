// Whom to believe about where a call comes from. A proxy writes the address of its caller at the end of
// X-Forwarded-For; what stands before that is the word of the caller.

import { builtin } from "../runtime/core/builtin.ts";

const RULE = "must be addresses or networks of proxies, as 10.0.0.7 or 10.0.0.0/8, with commas between";
const LONGEST_PREFIX = { ipv4: 32, ipv6: 128 };

type Family = keyof typeof LONGEST_PREFIX;

export class TrustedProxies {
  readonly #list = new (builtin("node:net").BlockList)();

  private constructor() {}

  /** @returns the rule that the text breaks, or the proxies it names */
  static parse(text: string): TrustedProxies | string {
    const proxies = new TrustedProxies();
    const parts = text.split(/[\s,]+/).filter((part) => part !== "");
    if (parts.length === 0) return RULE;
    for (const part of parts) {
      const [address, bits, ...more] = part.split("/");
      const family = familyOf(address);
      if (family === null || more.length > 0) return `${RULE}; ${JSON.stringify(part)} is neither`;
      if (bits === undefined) {
        proxies.#list.addAddress(address, family);
        continue;
      }
      const longest = LONGEST_PREFIX[family];
      if (!/^\d{1,3}$/.test(bits) || Number(bits) > longest) {
        const what = JSON.stringify(part);
        return `${RULE}; the part of ${what} behind the slash is none of 0 to ${longest}`;
      }
      proxies.#list.addSubnet(address, Number(bits), family);
    }
    return proxies;
  }

  /**
   * Where a call comes from: the last address of the way that is not a proxy's.
   *
   * @param peer at the other end of the connection
   * @param forwarded the header X-Forwarded-For, if there is one
   */
  addressOf(peer: string, forwarded: string | null | undefined): string {
    let caller = plain(peer);
    const way = forwarded?.split(",") ?? [];
    while (way.length > 0 && this.#trusts(caller)) {
      const next = plain(way.pop()!.trim());
      if (familyOf(next) === null) break;
      caller = next;
    }
    return caller;
  }

  #trusts(address: string): boolean {
    const family = familyOf(address);
    return family !== null && this.#list.check(address, family);
  }
}

function familyOf(address: string): Family | null {
  const version = builtin("node:net").isIP(address);
  return version === 0 ? null : version === 4 ? "ipv4" : "ipv6";
}

/** Without brackets, a port and the disguise of an IPv4 address. */
function plain(address: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? [];
  const [, withPort] = /^(\d[\d.]*):\d+$/.exec(address) ?? [];
  return (bracketed ?? withPort ?? address).replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/i, "$1");
}

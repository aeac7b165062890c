import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { TrustedProxies } from "../../auth/trusted_proxies.ts";

function of(text: string): TrustedProxies {
  const proxies = TrustedProxies.parse(text);
  assert.ok(proxies instanceof TrustedProxies, String(proxies));
  return proxies;
}

Deno.test("a call comes from the last address of its way that is no proxy's", () => {
  const proxies = of("127.0.0.1, 10.0.0.0/8 ::1,fd00::/8");
  const cases: [string, string | null, string][] = [
    // The header of a caller that is no proxy is ignored.
    ["203.0.113.7", "198.51.100.1", "203.0.113.7"],
    ["203.0.113.7", null, "203.0.113.7"],
    ["127.0.0.1", "203.0.113.7", "203.0.113.7"],
    // The caller wrote all that stands before the last address that is no proxy's.
    ["127.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"],
    ["127.0.0.1", "1.1.1.1, 203.0.113.7 , 10.1.2.3", "203.0.113.7"],
    ["::1", "2001:db8::7", "2001:db8::7"],
    ["::ffff:10.0.0.9", "[2001:db8::7]:4711", "2001:db8::7"],
    ["10.0.0.9", "203.0.113.7:4711", "203.0.113.7"],
    ["fd12::1", "::ffff:203.0.113.7", "203.0.113.7"],
    // A proxy's own call, and what is no address.
    ["127.0.0.1", null, "127.0.0.1"],
    ["127.0.0.1", "", "127.0.0.1"],
    ["127.0.0.1", "203.0.113.7, unknown", "127.0.0.1"],
    ["127.0.0.1", "<script>", "127.0.0.1"],
    ["127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
  ];
  for (const [peer, forwarded, caller] of cases) {
    assert.equal(proxies.addressOf(peer, forwarded), caller, `${peer} ← ${forwarded}`);
  }
});

Deno.test("what is no address and no network is refused, and named", () => {
  const cases: [string, RegExp][] = [
    ["", /must be addresses or networks/],
    [" , ", /must be addresses or networks/],
    ["proxy.example", /"proxy.example" is neither/],
    ["10.0.0.0/8,10.0.0", /"10.0.0" is neither/],
    ["10.0.0.0/33", /behind the slash is none of 0 to 32/],
    ["fd00::/129", /behind the slash is none of 0 to 128/],
    ["10.0.0.0/", /behind the slash/],
    ["10.0.0.0/8/9", /is neither/],
    ["*", /"\*" is neither/],
  ];
  for (const [text, message] of cases) assert.match(String(TrustedProxies.parse(text)), message, text);
});

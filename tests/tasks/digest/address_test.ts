import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { isPublicAddress, requirePublic, type Resolve, resolveByDns } from "../../../tasks/digest/address.ts";

const { signal } = new AbortController();
const resolveTo = (...addresses: string[]): Resolve => () => Promise.resolve(addresses);
const neverResolve: Resolve = (hostname) => assert.fail(`${hostname} was looked up`);

const isRefusal = (error: Error & { retryable?: boolean }) => error.retryable === false;

Deno.test("an address that is not public is told from one that is, at both ends of each range", () => {
  const notPublic = [
    ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
    ...["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255"],
    ...[
      "192.0.0.1",
      "192.0.2.1",
      "192.88.99.1",
      "192.168.0.0",
      "192.168.255.255",
      "198.18.0.0",
      "198.19.255.255",
    ],
    ...["198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "::7f00:1",
      "fc00::1",
      "fdff::1",
      "fe80::1",
      "fe80::1%eth0",
      "febf::1",
      "fec0::1",
      "ff02::1",
    ],
    ...["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"],
    ...[
      "64:ff9b:1::1",
      "100::1",
      "2001::1",
      "2001:1ff::1",
      "2001:db8::1",
      "2002:7f00:1::",
      "3fff::1",
      "4000::1",
    ],
    ...["", "localhost", "2130706433", "0x7f.1", "127.1", "1.2.3", "8.8.8.8/32", "[::1]"],
  ];
  const isPublic = [
    ...[
      "1.1.1.1",
      "8.8.8.8",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
    ],
    ...["128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"],
    ...["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
    ...["2000::1", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00::1", "3ffe:ffff::1"],
  ];
  assert.deepEqual(notPublic.filter(isPublicAddress), []);
  assert.deepEqual(isPublic.filter((address) => !isPublicAddress(address)), []);
});

Deno.test("a URL with an address that is not public is refused, in whatever way it is written", async () => {
  const hosts = [
    ...[
      "127.0.0.1",
      "127.0.0.1.",
      "2130706433",
      "0x7f.1",
      "0x7f000001",
      "017700000001",
      "127.1",
      "0",
      "１２７.0.0.1",
    ],
    ...[
      "10.1.2.3:8080",
      "172.16.0.1",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "255.255.255.255",
    ],
    ...["[::1]", "[::]", "[fc00::1]", "[fe80::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]"],
    ...["[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"],
  ];
  for (const host of hosts) {
    await assert.rejects(requirePublic(new URL(`http://${host}/`), signal, neverResolve), isRefusal, host);
  }
});

Deno.test("a URL with a public address passes without a look at DNS", async () => {
  for (
    const host of ["8.8.8.8", "1.1.1.1:8443", "[2606:4700::1111]", "[2606:4700::1111]:8080", "134744072"]
  ) {
    await requirePublic(new URL(`https://${host}/`), signal, neverResolve);
  }
});

Deno.test("a host name passes only if all its addresses are public", async () => {
  const url = new URL("https://example.com/");
  await requirePublic(url, signal, resolveTo("8.8.8.8", "2606:4700::1111"));
  for (const address of ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "::ffff:127.0.0.1", "nonsense"]) {
    await assert.rejects(requirePublic(url, signal, resolveTo("8.8.8.8", address)), isRefusal, address);
    await assert.rejects(
      requirePublic(url, signal, resolveTo(address, "2606:4700::1111")),
      isRefusal,
      address,
    );
  }
});

Deno.test("a refusal does not tell what an internal name resolves to", async () => {
  const refused = requirePublic(new URL("https://db.example.com/"), signal, resolveTo("10.1.2.3"));
  await assert.rejects(refused, (error: Error) => !error.message.includes("10.1.2.3"));
});

Deno.test("a host name without an address is an error that may pass", async () => {
  await assert.rejects(
    requirePublic(new URL("https://example.com/"), signal, resolveTo()),
    (error: Error) => /has no address/.test(error.message) && !("retryable" in error),
  );
});

Deno.test("names that only this machine or its network knows are refused unseen", async () => {
  for (const host of ["localhost", "localhost.", "LOCALHOST", "a.localhost", "metadata", "db."]) {
    await assert.rejects(requirePublic(new URL(`http://${host}/`), signal, neverResolve), isRefusal, host);
  }
});

Deno.test("other schemes than http and https, and credentials, are refused", async () => {
  for (
    const url of [
      "ftp://8.8.8.8/",
      "file:///etc/passwd",
      "data:,x",
      "ws://8.8.8.8/",
      "blob:https://8.8.8.8/x",
    ]
  ) {
    await assert.rejects(requirePublic(new URL(url), signal, neverResolve), isRefusal, url);
  }
  for (const user of ["me@", ":secret@", "me:secret@", "example.com%2f@"]) {
    const refused = requirePublic(new URL(`https://${user}8.8.8.8/`), signal, neverResolve);
    await assert.rejects(
      refused,
      (error: Error) => isRefusal(error) && !error.message.includes("secret"),
      user,
    );
  }
});

Deno.test("the resolver gets the name without a last dot, and the signal", async () => {
  const asked: unknown[] = [];
  const resolve: Resolve = (...question) => {
    asked.push(...question);
    return Promise.resolve(["8.8.8.8"]);
  };
  await requirePublic(new URL("https://Example.COM./"), signal, resolve);
  assert.deepEqual(asked, ["example.com", signal]);
});

/** Runs `body` while DNS answers from a table: an error is thrown, a missing entry does not exist. */
async function withDns(table: Record<string, string[] | Error>, body: () => Promise<void>): Promise<void> {
  const { resolveDns } = Deno;
  const answer = (_: string, type: string) => {
    const found = table[type] ?? new Deno.errors.NotFound("no records found");
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
  };
  Deno.resolveDns = answer as typeof Deno.resolveDns;
  try {
    await body();
  } finally {
    Deno.resolveDns = resolveDns;
  }
}

Deno.test("resolveByDns gives A and AAAA records together, and none of a kind that does not exist", async () => {
  await withDns({ A: ["8.8.8.8"], AAAA: ["::1"] }, async () => {
    assert.deepEqual(await resolveByDns("example.com", signal), ["8.8.8.8", "::1"]);
  });
  await withDns({ A: ["8.8.8.8"] }, async () => {
    assert.deepEqual(await resolveByDns("example.com", signal), ["8.8.8.8"]);
  });
  await withDns({}, async () => assert.deepEqual(await resolveByDns("example.com", signal), []));
});

Deno.test("resolveByDns fails as a whole if one of its two questions has no answer", async () => {
  const error = new Error("server failure");
  await withDns({ A: ["8.8.8.8"], AAAA: error }, async () => {
    await assert.rejects(resolveByDns("example.com", signal), error);
  });
});

// Copies the files that the page /docs needs from the npm package swagger-ui-dist into
// routes/site/swagger_ui/. No service depends on the package itself: it is 12 MB and brings an analytics
// package.

import { commandLine } from "./command_line.ts";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const VERSION = "5.35.0";

/**
 * The SHA-256 of each file that is served. A new version needs new sums, written here by hand after a review
 * of the files.
 */
export const DIGESTS: Record<string, string> = {
  "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
  "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
  "swagger-ui-bundle.js.LICENSE.txt": "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
  "LICENSE": "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
  "NOTICE": "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2",
};

const TARGET = new URL("../routes/site/swagger_ui/", import.meta.url);

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function build(): Promise<void> {
  // Not a literal, so that neither `deno check` nor a lock file knows of the package.
  const { default: folder } = await import(`npm:swagger-ui-dist@${VERSION}/absolute-path.js`);
  const packed: Record<string, string> = {};
  for (const [name, digest] of Object.entries(DIGESTS)) {
    const bytes = await Deno.readFile(join(folder(), name));
    if (digestOf(bytes) !== digest) {
      throw new Error(
        `${name} of swagger-ui-dist ${VERSION} has the digest ${digestOf(bytes)}, not ${digest}`,
      );
    }
    packed[name] = Buffer.from(gzipSync(bytes, { level: 9 })).toString("base64");
    if (/LICENSE|NOTICE/.test(name)) await Deno.writeFile(new URL(name, TARGET), bytes);
  }
  await Deno.writeTextFile(new URL("files.json", TARGET), `${JSON.stringify(packed, null, 2)}\n`);
}

if (import.meta.main) {
  commandLine({ options: {}, help: "Make routes/site/swagger_ui/ anew." });
  await build();
}

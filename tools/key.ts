// deno-lint-ignore-file no-console -- this is a command
// `deno task key`: draws a secret, and says what to add to API_KEYS so that the service knows it. The two go to standard
// output, a line each, and what they are to standard error.

import { parseArgs } from "node:util";
import { hashOf, isName, NAME_RULE, noScopes, SCOPES_RULE } from "../auth/api_keys.ts";

const HELP = `Make an API key.

  deno task key -- --name ci --scopes submit+read

  --name NAME      who will use it; two keys of one name have the same scopes, so that one can follow the other
  --scopes SCOPES  what it may do, with + between them:
                     submit  submit tasks
                     read    look at tasks and results, wait for them, stream them
                     cancel  cancel tasks and groups
                     admin   all of that, and delete tasks
                   retrying a task and making a group of tasks need submit and read

Prints the secret, which is kept nowhere, and the entry for API_KEYS.
Exit code: 0, or 2 if an option is wrong.`;

const SECRET_BYTES = 32;

class UsageError extends Error {}

if (import.meta.main) {
  try {
    Deno.exit(main(Deno.args.filter((arg) => arg !== "--")));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n"deno task key -- --help" says more`);
    Deno.exit(2);
  }
}

function main(args: string[]): number {
  const { name, scopes, help } = optionsOf(args);
  if (help) {
    console.log(HELP);
    return 0;
  }
  if (name === undefined || !isName(name)) throw new UsageError(`--name ${NAME_RULE}; it is ${shown(name)}`);
  const [wrong] = noScopes(scopes ?? "");
  if (wrong !== undefined) {
    const which = wrong === scopes || wrong === "" ? "" : `; "${wrong}" is none`;
    throw new UsageError(`--scopes ${SCOPES_RULE}; it is ${shown(scopes)}${which}`);
  }
  const secret = `errand_${base64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))}`;
  console.error('The secret, shown this once. Callers send it as "Authorization: Bearer <secret>":');
  console.log(secret);
  console.error("The entry to add to API_KEYS, behind a comma if there are others:");
  console.log(`${name}:${scopes}:${hex(hashOf(secret))}`);
  return 0;
}

function optionsOf(args: string[]): { name?: string; scopes?: string; help?: boolean } {
  try {
    return parseArgs({
      args,
      options: {
        name: { type: "string" },
        scopes: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    // The message names the option.
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

function shown(value: string | undefined): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

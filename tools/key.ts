// deno-lint-ignore-file no-console -- this is a command
// `deno task key`: draws a secret, and prints what to add to API_KEYS so that the service knows it. The two
// go to standard output, a line each; their explanation goes to standard error.

import { drawSecret, hashOf, hexOf, isName, NAME_RULE, noScopes, SCOPES_RULE } from "../auth/api_keys.ts";
import { commandLine, endOnUsageError, UsageError } from "./command_line.ts";

const HELP = `Make an API key.

  deno task key -- --name ci --scopes submit+read

  --name NAME      who will use it; two keys of one name have the same scopes, so that one can follow the other
  --scopes SCOPES  what it may do, with + between them:
                     submit  submit tasks
                     read    look at tasks and results, wait for them, stream them
                     cancel  cancel tasks and groups
                     complete  nothing yet, nor do the next two
                     work
                     operate
                     admin   all of that, delete tasks, and make keys
                   retrying a task and making a group of tasks need submit and read

Prints the secret, which is kept nowhere, and the entry for API_KEYS.
Exit code: 0, or 2 if an option is wrong.`;

if (import.meta.main) {
  try {
    const options = { name: { type: "string" }, scopes: { type: "string" } } as const;
    makeKey(commandLine({ options, help: HELP }).values);
  } catch (error) {
    endOnUsageError(error);
  }
}

function makeKey({ name, scopes }: { name?: string; scopes?: string }): void {
  if (name === undefined || !isName(name)) throw new UsageError(`--name ${NAME_RULE}; it is ${shown(name)}`);
  const [wrong] = noScopes(scopes ?? "");
  if (wrong !== undefined) {
    const which = wrong === scopes || wrong === "" ? "" : `; "${wrong}" is none`;
    throw new UsageError(`--scopes ${SCOPES_RULE}; it is ${shown(scopes)}${which}`);
  }
  const secret = drawSecret();
  console.error('The secret, shown this once. Callers send it as "Authorization: Bearer <secret>":');
  console.log(secret);
  console.error("The entry to add to API_KEYS, behind a comma if there are others:");
  console.log(`${name}:${scopes}:${hexOf(hashOf(secret))}`);
}

function shown(value: string | undefined): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Command } from "commander";
import {
  CancelledError,
  ConflictError,
  ConnectionError,
  CrashedError,
  ForgottenError,
  NotFoundError,
  ProblemError,
  type Task,
  TaskError,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  ValidationError,
} from "../../client/mod.ts";
import { told } from "../../cli/failure.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { programOf } from "../../cli/program.ts";
import { command } from "../support/command.ts";
import { freePort } from "../support/ports.ts";

const io = {
  env: {},
  out() {},
  err() {},
  input: () => Promise.resolve(""),
  columns: () => null,
  rows: () => null,
  colors: false,
  now: () => 0,
  onInterrupt: () => () => {},
  onKey: () => () => {},
};

function leaves(command: Command, path: string[] = []): string[][] {
  const own = command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
  return path.length > 0 ? [path, ...own] : own;
}

const commands = leaves(programOf(io, { session: null, code: 0 }));

Deno.test("each command has a help with examples of its own", async () => {
  assert.ok(commands.length > 40, `${commands.length}`);
  for (const path of commands) {
    const { code, out, err } = await command([...path, "--help"]);
    assert.deepEqual([code, err], [0, ""], path.join(" "));
    if (path[0] === "serve") assert.match(out, /^ {2}KV_PATH/m);
    else {assert.ok(
        out.includes(`Examples:\n`) && out.includes(`errand ${path[0]}`),
        `${path.join(" ")}: ${out}`,
      );}
  }
  const { out } = await command(["help", "queue", "pause"]);
  assert.equal(out, (await command(["queue", "pause", "--help"])).out);
  assert.match((await command(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
});

Deno.test("the reference names all commands and exit codes", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/reference/cli.md", import.meta.url));
  const table = page.slice(page.indexOf("## Commands"), page.indexOf("## Options"));
  for (const [group, own] of commands) {
    const rows = table.split("\n").filter((line) => line.startsWith("| `") && line.includes(`\`${group}`));
    assert.ok(rows.length > 0, `${group} is missing`);
    if (!own) continue;
    assert.match(
      rows.join("\n"),
      new RegExp(`^\\| \`${group} .*(?<=[\\s\`])${own}[\\s\`]`, "m"),
      `${own} is missing`,
    );
  }
  const codes = [...page.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(EXIT));
});

Deno.test("each way in which a call goes wrong has its exit code", () => {
  const state = { type: "CRASHED", name: "Crashed", message: "its workers died", at: "" } as const;
  const task = { id: "i", state, error: null } as unknown as Task;
  const problem = (status: number) => ({ type: "/problems/x", title: "x", status, detail: "x" });
  const codes: [unknown, number][] = [
    [new CrashedError(task), 5],
    [new TaskError(task), 3],
    [new CancelledError(task), 4],
    [new TimeoutError("late"), 6],
    [new NotFoundError(problem(404)), 7],
    [new ForgottenError(problem(410)), 7],
    [new ConnectionError("gone"), 8],
    [new UnavailableError(problem(503), 0), 8],
    [new UnauthorizedError(problem(403)), 9],
    [new ValidationError(problem(422)), 10],
    [new ProblemError(problem(413)), 10],
    [new ConflictError(problem(409)), 11],
    [new ProblemError(problem(500)), 1],
    [new UnexpectedAnswerError("html", 200), 1],
    [new Error("a fault of ours"), 1],
  ];
  for (const [error, code] of codes) assert.equal(told(error, null).code, code, String(error));
});

Deno.test("what is misspelt or wrong is said with its rule, and nothing is asked of a service", async () => {
  const wrong: [string[], RegExp][] = [
    [["submti", "add"], /^errand: unknown command 'submti'\n\(Did you mean submit\?\)/],
    [["queue", "paus", "gpu"], /unknown command "queue paus"; did you mean "pause"\?/],
    [["ls", "--sate", "FAILED"], /unknown option '--sate'\n\(Did you mean --state\?\)/],
    [["ls", "-s", "FAILD"], /must be one of SCHEDULED, .* Did you mean FAILED\?/],
    [["ls", "-o", "xml"], /argument 'xml' is invalid\. It must be one of table, json/],
    [["ls", "-n", "-1"], /'-1' is invalid\. It must be a whole number of at least 0/],
    [["submit"], /missing required argument 'name'/],
    [["submit", "a", "b", "c"], /too many arguments/],
    [["submit", "a", "{}", "--delay", "5x"], /'5x' is invalid\. It must be a time like 500ms/],
    [["submit", "a", "{}", "--at", "soon"], /'soon' is invalid\. It must be an instant like/],
    [["submit", "a", "{}", "--within", "5s"], /--within says how long --wait waits/],
    [["submit", "a", "{a}"], /INPUT must be JSON; "\{a\}" is not/],
    [["submit", "a", "word"], /INPUT must be JSON; .*a text has quotes: '"word"'/],
    [["submit", "a", "-"], /INPUT must be JSON; standard input is not/],
    [["submit", "a", "@/nowhere.json"], /INPUT must be a file that can be read; \/nowhere\.json/],
    [["submit", "a", '{"n": 12345678901234567891}'], /the number 12345678901234567891, .*write it as a text/],
    [["submit", "a", '{"n": 1e999}'], /the number 1e999/],
    [["submit", "a", "{}", "--options", "[]"], /--options must be a JSON object; it is \[\]/],
    [["submit", "a", "-", "--options", "-"], /not both/],
    [["result", "x"], /must be a UUID; it is "x"/],
    [["show", "x", "--profile", "p", "--url", "http://127.0.0.1:1"], /give one of them/],
    [["ls", "--profile", "prod"], /no profile is named "prod" \(--profile\); there are none/],
    [["ls", "--url", "ftp://x"], /url must be an absolute http or https URL/],
    [["completion", "csh"], /the shell must be bash, zsh or fish; it is "csh"/],
    [
      ["serve", "--prot", "1"],
      /^errand: unknown argument "--prot"; known: --help\nsettings are variables, as PORT=/,
    ],
    [["ls", "--created-after", "yesterday"], /'yesterday' is invalid\. .*, or a time ago like 2h/],
    [["bulk", "cancel", "--tag", "x"], /--created-after 1d, it is for all that ever were: say --all with it/],
    [["queue", "pause"], /missing required argument 'name'\nerrand queue pause --help says more/],
    [["ls", "\x1b[31m"], /: \\u\{1b\}\[31m/],
  ];
  for (const [args, message] of wrong) {
    const { code, out, err } = await command(args);
    assert.deepEqual([code, out], [2, ""], `${args.join(" ")}: ${err}`);
    assert.match(err, message);
  }
});

Deno.test("a service that is not there has an exit code, and a remedy with the URL", async () => {
  const url = `http://127.0.0.1:${freePort()}`;
  const { code, out, err } = await command(["ls", "--url", url, "--try-for", "0"]);
  assert.deepEqual([code, out], [8, ""]);
  assert.match(err, /^errand: GET .* got no answer: /);
  assert.ok(err.includes(`is the service at ${url} (--url) running?`), err);
});

Deno.test("commands, options and their values are completed", async () => {
  const candidates = async (...words: string[]) => {
    return (await command(["__complete", ...words])).out.trim().split("\n");
  };
  assert.deepEqual(await candidates("su"), ["submit"]);
  assert.deepEqual(await candidates("queue", ""), ["limit", "ls", "pause", "resume", "show"]);
  assert.ok((await candidates("queue", "pause", "--")).includes("--note"));
  assert.deepEqual(await candidates("ls", "--state", "C"), [
    "CANCELLED",
    "CANCELLING",
    "COMPLETED",
    "CRASHED",
  ]);
  assert.deepEqual(await candidates("group", "ls", "-s", "C"), ["CANCELLED", "CANCELLING", "COMPLETED"]);
  assert.deepEqual(await candidates("key", "make", "--scopes", "s"), ["submit"]);
  assert.deepEqual(await candidates("ls", "-o", "j"), ["json"]);
  assert.deepEqual(await candidates("completion", ""), ["bash", "fish", "zsh"]);
});

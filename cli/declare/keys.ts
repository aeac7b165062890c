// `errand key`

import { type Declaring, examples, groupOf, listing } from "../declaring.ts";
import type { KeyGiven } from "../given.ts";
import { duration, instant, someOf, texts } from "../values.ts";

const SCOPES = ["submit", "read", "cancel", "complete", "work", "operate", "admin"] as const;

export function keyCommands({ program, act }: Declaring): void {
  const key = groupOf(
    program,
    "key",
    "API keys of the service's database (scope admin)",
    "errand key",
    "errand key make ci --scopes submit+read",
  );
  const commands = () => import("../commands/keys.ts");
  listing(key).description("list keys, without their secrets")
    .addHelpText("after", examples("errand key ls"))
    .action(act(async (session) => (await commands()).listKeys(session)));
  key.command("make").description("make a key; prints its secret, this once")
    .argument("<name>", "who will use it")
    .requiredOption("--scopes <scopes>", "what it may do, with + or commas between", someOf(SCOPES))
    .option("--tenant <name>", "it knows the tasks of this tenant alone")
    .option(
      "--pattern <pattern>",
      "and of these tasks alone: task:resize*, queue:gpu; may be given again",
      texts,
    )
    .option("--expires <instant>", "it ends then", instant)
    .addHelpText(
      "after",
      examples(
        "errand key make ci --scopes submit+read",
        "errand key make acme --scopes submit,read --tenant acme --expires 2027-01-01",
      ),
    )
    .action(
      act(async (session, name: string, given: KeyGiven) => (await commands()).makeKey(session, name, given)),
    );
  key.command("rotate").description("give a key a new secret; prints it").argument("<key>", "its name or id")
    .option("--grace <time>", "how long the former secret is good, too", duration)
    .addHelpText("after", examples("errand key rotate ci --grace 1h"))
    .action(
      act(async (session, name: string, given: { grace?: number }) =>
        (await commands()).rotateKey(session, name, given)
      ),
    );
  key.command("revoke").description("a second later it opens nothing").argument("<key>", "its name or id")
    .addHelpText("after", examples("errand key revoke ci"))
    .action(act(async (session, name: string) => (await commands()).revokeKey(session, name)));
}

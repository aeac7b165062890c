// `errand limit`

import { type Declaring, examples, groupOf, listing } from "../declaring.ts";
import type { LimitGiven } from "../given.ts";
import { duration, whole } from "../values.ts";

export function limitCommands({ program, act }: Declaring): void {
  const limit = groupOf(
    program,
    "limit",
    "limits by key: their rules, and how far they are used",
    "errand limit",
    "errand limit set 'user/*' --concurrency 3",
  );
  listing(limit).description("list limits that were used in the last hour")
    .option("--rules", "the rules in place of them")
    .addHelpText("after", examples("errand limit ls", "errand limit ls --rules"))
    .action(
      act(async (session, given: { rules?: true }) =>
        (await import("../commands/limits.ts")).listLimits(session, given)
      ),
    );
  limit.command("show").description("how many run and wait under a key, and by which rule").argument("<key>")
    .addHelpText("after", examples("errand limit show user/ann"))
    .action(
      act(async (session, key: string) => (await import("../commands/limits.ts")).showLimit(session, key)),
    );
  limit.command("set").description("set the rule for each key that the pattern matches")
    .argument("<pattern>", "a key, or with * for any characters but /")
    .option("-c, --concurrency <n>", "so many at once; 0 holds all", whole(0))
    .option("--rate <n>", "so many start in --period", whole(1))
    .option("--period <time>", "of --rate (1s)", duration)
    .option("--burst <n>", "so many at once after a pause (1)", whole(1))
    .option("--note <text>", "why")
    .addHelpText(
      "after",
      examples(
        "errand limit set gpu --concurrency 2",
        "errand limit set 'user/*' --rate 100 --period 1m --burst 10",
      ),
    )
    .action(
      act(async (session, pattern: string, given: LimitGiven) =>
        (await import("../commands/limits.ts")).setLimit(session, pattern, given)
      ),
    );
  limit.command("rm").description("take the rule with just this pattern away").argument("<pattern>")
    .addHelpText("after", examples("errand limit rm 'user/*'"))
    .action(
      act(async (session, pattern: string) =>
        (await import("../commands/limits.ts")).removeLimit(session, pattern)
      ),
    );
}

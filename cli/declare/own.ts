// Commands about this program, the machine that it runs on, and the service as a whole.

import type { DatabaseGiven, TopGiven } from "../given.ts";
import { duration, whole } from "../values.ts";
import { type Declaring, examples, groupOf, listing } from "../declaring.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function serviceCommands({ program, act }: Declaring): void {
  // run.ts runs it: it reads its arguments itself.
  program.command("serve").description("run the service (settings: errand serve --help)");

  program.command("top").description("what waits and runs, live; q or Ctrl-C ends it")
    .option("--every <time>", "how often it looks", duration, 2_000)
    .option("--minutes <n>", "of the past, 1 to 60", whole(1, 60), 5)
    .option("-n, --frames <n>", "so many looks, and no more", whole(1))
    .addHelpText("after", examples("errand top", "errand top --every 10s", "errand top -n 1 -o json"))
    .action(
      act(async (session, given: TopGiven) => (await import("../commands/top.ts")).top(session, given)),
    );

  program.command("doctor")
    .description(
      "check the settings, the database, the clock and the service; exit code 1 if something is wrong",
    )
    .option("--database <path>", "a file, or the URL of a denokv server (KV_PATH, or ./data/errand.kv)")
    .addHelpText("after", examples("errand doctor", "errand --profile prod doctor -o json"))
    .action(
      act(async (session, given: DatabaseGiven) =>
        (await import("../commands/doctor.ts")).doctor(session, given)
      ),
    );

  program.command("backup").description("copy the database file while a service uses it, and check the copy")
    .argument("<file>", "the copy, or a folder for it")
    .option("--database <path>", "the file of the service (KV_PATH, or ./data/errand.kv)")
    .addHelpText(
      "after",
      examples("errand backup /backups", "errand backup monday.kv --database /var/lib/errand/errand.kv"),
    )
    .action(
      act(async (session, file: string, given: DatabaseGiven) =>
        (await import("../commands/backup.ts")).backup(session, file, given)
      ),
    );
}

export function ownCommands({ program, act }: Declaring): void {
  const profile = groupOf(
    program,
    "profile",
    "services by name: URL and key, in a file of yours",
    "errand profile",
    "errand profile use prod",
  );
  const commands = () => import("../commands/profiles.ts");
  listing(profile).description("list profiles, without their keys")
    .addHelpText("after", examples("errand profile ls"))
    .action(act(async (session) => (await commands()).listProfiles(session)));
  profile.command("set").description("store a profile, or change it; the first one is the default")
    .argument("<name>")
    .option("--url <url>", "where the service is")
    .option("--key <secret>", "its key; - for standard input, which no list of processes shows")
    .addHelpText(
      "after",
      examples(
        "errand profile set prod --url https://errand.example.com --key - < secret.txt",
        "errand --profile prod ls",
      ),
    )
    .action(
      act(async (session, name: string, given: { key?: string }) =>
        (await commands()).setProfile(session, name, given)
      ),
    );
  profile.command("use").description("make a profile the default").argument("<name>")
    .addHelpText("after", examples("errand profile use prod"))
    .action(act(async (session, name: string) => (await commands()).useProfile(session, name)));
  profile.command("rm").description("remove a profile").argument("<name>")
    .addHelpText("after", examples("errand profile rm prod"))
    .action(act(async (session, name: string) => (await commands()).removeProfile(session, name)));

  program.command("completion").description("print a script that completes commands and options")
    .argument("<shell>", SHELLS.join(", "))
    .addHelpText(
      "after",
      examples(
        `bash:  echo 'source <(errand completion bash)' >> ~/.bashrc`,
        `zsh:   echo 'source <(errand completion zsh)' >> ~/.zshrc`,
        "fish:  errand completion fish > ~/.config/fish/completions/errand.fish",
      ),
    )
    .action(
      act(async (session, shell: string) =>
        (await import("../commands/completion.ts")).completion(session, shell)
      ),
    );
}

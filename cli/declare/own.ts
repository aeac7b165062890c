// Commands about this program, the machine that it runs on, and the service as a whole.

import { type Declaring, examples, groupOf, listing } from "../declaring.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function ownCommands({ program, act }: Declaring): void {
  program.commandsGroup("Service:");
  // run.ts runs it: it reads its arguments itself.
  program.command("serve").description("run the service (settings: errand serve --help)");

  program.commandsGroup("This program:");
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

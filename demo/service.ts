// The real service, as a child process. Its standard error, as of a failed start, is shown as it is.

import { fileURLToPath } from "node:url";

const LISTENING = /^errand listening on (http:\S+)\s/m;
/** The service promises to be gone 5 s after the signal. */
const STOP_WITHIN_MS = 8_000;

export class Service {
  readonly #child: Deno.ChildProcess;
  readonly #listening: Promise<string>;
  #stopped?: Promise<void>;

  /** @param settings environment variables, on top of those of this process */
  constructor(settings: Record<string, string>) {
    const main = fileURLToPath(new URL("../main.ts", import.meta.url));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main],
      // The environment may hold keys of another service.
      env: { API_KEYS: "", ...settings },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#listening = this.#readUrl();
    this.#listening.catch(() => {}); // `listening` reports it.
  }

  /**
   * The URL that it listens on. There is no time limit: the first start on a machine downloads packages.
   *
   * @throws {Error} if it ends instead
   */
  listening(): Promise<string> {
    return this.#listening;
  }

  /** Resolves when the process is gone. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_WITHIN_MS);
    this.#kill("SIGINT");
    await this.#child.status;
    clearTimeout(timer);
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It is gone already.
    }
  }

  #readUrl(): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const look = new WritableStream<string>({
        // Reads on after the URL, so that the pipe never fills up.
        write: (chunk) => {
          if (text.length > 10_000) return;
          text += chunk;
          const url = LISTENING.exec(text)?.[1];
          if (url) resolve(url);
        },
      });
      this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeTo(look)
        .then(() => this.#child.status)
        .then(({ code }) => reject(new Error(`the service ended with code ${code} instead of listening`)))
        .catch(reject);
    });
  }
}

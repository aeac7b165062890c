// What `run.ts` is told on its command line.

import { readArguments, UsageError } from "../../tools/command_line.ts";

export const HELP =
  `Errand under chaos: several processes on one database, killed and stopped at random while a client
submits; afterwards everything that was acknowledged is compared with what is there.

  deno run -A tests/chaos/run.ts [options]

  --seconds N    time of harm (60); what follows takes a while more
  --kills N      kill -9, SIGSTOP and SIGTERM, spread over that time (1.5 a second)
  --least-kills N  goes on until there were so many kills and stops, however slow the machine is (0)
  --least-tasks N  and until so many tasks are acknowledged (0)
  --seed N       decides the harm and the load (by the clock)
  --processes N  on one database file (3); on a denokv server web, worker, all, all in turn (4)
  --denokv       on a denokv server, which is stopped now and then, too
  --outage-seconds N  the server is killed in the middle, and away for so long (0)
  --lease N      LEASE_MS (1000)
  --rate N       tasks a second, about (60)
  --json         only the report, as JSON
  --keep         keep the folder of logs and database also if all is well
  --help
`;

export interface Options {
  seconds: number;
  faults: number;
  leastKills: number;
  leastTasks: number;
  seed: number;
  processes: number;
  denokv: boolean;
  outageSeconds: number;
  leaseMs: number;
  rate: number;
  json: boolean;
  keep: boolean;
}

/** @returns null if only help is wanted. */
export function readOptions(args: string[]): Options | null {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = readArguments(args, {
    options: {
      seconds: text,
      kills: text,
      "least-kills": text,
      "least-tasks": text,
      seed: text,
      processes: text,
      denokv: flag,
      "outage-seconds": text,
      lease: text,
      rate: text,
      json: flag,
      keep: flag,
    },
  });
  if (values.help) return null;
  type Count = Exclude<keyof typeof values, "denokv" | "json" | "keep" | "help">;
  const whole = (name: Count, otherwise: number) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isInteger(value) || value < 0) throw new UsageError(`--${name} must be a whole number`);
    return value;
  };
  const seconds = whole("seconds", 60);
  const outageSeconds = whole("outage-seconds", 0);
  if (outageSeconds > 0 && !values.denokv) throw new UsageError("--outage-seconds needs --denokv");
  return {
    seconds,
    faults: whole("kills", Math.round(1.5 * seconds)),
    leastKills: whole("least-kills", 0),
    leastTasks: whole("least-tasks", 0),
    seed: whole("seed", Date.now() % 1_000_000),
    processes: whole("processes", values.denokv ? 4 : 3),
    denokv: values.denokv ?? false,
    outageSeconds,
    leaseMs: whole("lease", 1_000),
    rate: whole("rate", 60),
    json: values.json ?? false,
    keep: values.keep ?? false,
  };
}

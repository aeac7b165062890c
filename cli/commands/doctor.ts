// `errand doctor`: whether a service can run here, and whether the one that is called does.

import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Column } from "../output/table.ts";
import type { Session } from "../session.ts";
import type { Finding } from "./doctor/finding.ts";
import { checkConfiguration, checkDatabase, checkDeploy, checkProfiles } from "./doctor/machine.ts";
import { checkService } from "./doctor/service.ts";

const COLOR = { ok: 32, odd: 33, wrong: 31, skipped: 90 } as const;

export async function doctor(session: Session, { database }: { database?: string }): Promise<ExitCode> {
  const { io } = session;
  const findings = [
    ...await checkConfiguration(io.env),
    ...await checkDatabase(database, io),
    checkDeploy(io.env),
    ...await checkProfiles(io.env),
    ...await checkService(session),
  ];
  const columns: Column<Finding>[] = [
    {
      title: "FOUND",
      of: ({ found }) => found,
      paint: (text, { found }) => io.colors ? `\x1b[${COLOR[found]}m${text}\x1b[0m` : text,
    },
    { title: "WHAT", of: ({ what }) => what },
    { title: "MESSAGE", of: ({ message }) => message },
  ];
  // Messages say what to do: they are not cut.
  if (session.isJson) session.json(findings);
  else await session.list(findings, columns, "", null);
  return findings.some(({ found }) => found === "wrong") ? EXIT.fault : EXIT.done;
}

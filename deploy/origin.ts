// Where the app reaches itself. Only the operator and the platform are believed: the Host of a request is
// whatever its caller writes there, and what the app sends itself carries tickets.

/** Of a name that is part of a host name as it is. */
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * The app's own origin: what `PUBLIC_URL` says, or what the platform calls the app on this timeline.
 *
 * @returns null where neither tells
 */
export function originOf(
  env: Readonly<Record<string, string | undefined>>,
  publicUrl: string | undefined,
): string | null {
  if (publicUrl !== undefined) return publicUrl;
  const { DENO_DEPLOY_APP_SLUG: app = "", DENO_DEPLOY_ORG_SLUG: organisation = "", DENO_TIMELINE: timeline } =
    env;
  if (!LABEL.test(app) || !LABEL.test(organisation)) return null;
  if (timeline === "production") return `https://${app}.${organisation}.deno.net`;
  const [, branch = ""] = /^git-branch\/(.*)$/.exec(timeline ?? "") ?? [];
  return LABEL.test(branch) ? `https://${app}--${branch}.${organisation}.deno.net` : null;
}

/** True where the platform says so, or tells nothing of timelines. Others have databases of their own. */
export function isProduction(
  { DENO_TIMELINE: timeline }: Readonly<Record<string, string | undefined>>,
): boolean {
  return timeline === undefined || timeline === "production";
}

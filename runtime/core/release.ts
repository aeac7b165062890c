/** The release of Errand that this is: `version` in deno.json. */
export const RELEASE = "0.3.0";

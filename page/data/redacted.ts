// What the service shows in place of a secret. Sent back, it would be stored in the secret's place.

const SHOWN = JSON.stringify("[redacted]");

export const REDACTED = "Parts of this input are redacted: put values in their place, or leave it as it was.";

export function hasRedacted(value: unknown): boolean {
  return JSON.stringify(value)?.includes(SHOWN) ?? false;
}

// Headers that tell browsers what an answer is not.

/** Of every answer with a body: its type is what it says, whatever it looks like. */
export const NOSNIFF = { "x-content-type-options": "nosniff" } as const;

/**
 * Of what a browser may show or run. No other page can frame it, and where it leads to is not told where it
 * came from: an address may hold a ticket.
 */
export const PAGE_HEADERS = {
  ...NOSNIFF,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
} as const;

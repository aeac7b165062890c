// GET /v1/stats.

/** That the page shows. */
export const MINUTES = 30;

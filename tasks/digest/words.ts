// Words and how often they occur.

import { z } from "zod";

export const wordCountSchema = z.object({ word: z.string(), count: z.int().min(0) });
export type WordCount = z.output<typeof wordCountSchema>;

/**
 * The `limit` most frequent words; among equals in the order of their UTF-16 code units, as in any
 * locale.
 */
export function mostFrequent(counts: ReadonlyMap<string, number>, limit: number): WordCount[] {
  return [...counts]
    .map(([word, count]) => ({ word, count }))
    .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
    .slice(0, limit);
}

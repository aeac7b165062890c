/** Which shard of the ready queue a task belongs to: the same in every process. */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0;
  return (hash >>> 0) % shards;
}

import { GroupCommit } from "/work/main/runtime/batch.ts";
import { KvPort } from "/work/main/runtime/kv.ts";
const P: Record<string, { n: number; ms: number; items: number }> = {};
function rec(name: string, ms: number, items = 1) {
  const p = P[name] ??= { n: 0, ms: 0, items: 0 };
  p.n++;
  p.ms += ms;
  p.items += items;
}
let n = 0;
const orig = (GroupCommit.prototype as any).add;
(GroupCommit.prototype as any).add = function (item: any) {
  if (!this.__w) {
    const w = this.__w = ["submit", "claim", "settle"][n++ % 3];
    const run = this.run;
    this.run = async (items: any[]) => {
      const k = items.reduce((s, x) => s + x.changes.length, 0);
      const t = performance.now();
      const p = run(items);
      rec("sync " + w, performance.now() - t, k);
      const r = await p;
      rec("commit " + w, performance.now() - t, k);
      return r;
    };
  }
  return orig.call(this, item);
};
const l = KvPort.prototype.list;
(KvPort.prototype as any).list = async function (...a: any[]) {
  const t = performance.now();
  const r = await (l as any).apply(this, a);
  rec("list " + a[0].prefix?.[0], performance.now() - t, r.length);
  return r;
};
addEventListener("unload", () => {
  for (const [k, v] of Object.entries(P)) {
    console.log(
      k.padEnd(20),
      String(v.n).padStart(6),
      "avg ms",
      (v.ms / v.n).toFixed(2),
      "items",
      (v.items / v.n).toFixed(1),
      "total",
      v.ms.toFixed(0),
    );
  }
});
await import("/work/main/bench/ip.ts");

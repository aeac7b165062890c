// Lays a graph out, beside the page: a thousand nodes take a second or more.

import dagre from "@dagrejs/dagre";

export interface LayoutRequest {
  nodes: string[];
  edges: { from: string; to: string }[];
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  at: Record<string, { x: number; y: number }>;
  lines: { from: string; to: string; points: { x: number; y: number }[] }[];
}

self.onmessage = (
  { data: { nodes, edges, width, height } }: MessageEvent<LayoutRequest>,
) => {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir: "LR",
    nodesep: 10,
    ranksep: 56,
    marginx: 8,
    marginy: 8,
    ranker: "longest-path",
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node, { width, height });
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const label = graph.graph() as { width: number; height: number };
  const layout: Layout = {
    width: label.width,
    height: label.height,
    at: Object.fromEntries(nodes.map((node) => {
      const { x, y } = graph.node(node) as { x: number; y: number };
      return [node, { x, y }];
    })),
    lines: graph.edges().map(({ v, w }) => ({
      from: v,
      to: w,
      points: (graph.edge(v, w) as { points: { x: number; y: number }[] }).points,
    })),
  };
  self.postMessage(layout);
};

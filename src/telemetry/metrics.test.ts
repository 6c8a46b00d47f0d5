import { expect, test } from "bun:test";
import { formatPrometheus } from "./metrics.ts";

test("help, type and samples, with labels escaped as the format asks", () => {
  const text = formatPrometheus([
    {
      name: "kmesh_edge_connects_total",
      help: "connect() calls by what became of them",
      type: "counter",
      samples: [
        { labels: { reason: "balanced" }, value: 18_446_744_073_709_551_615n },
        { labels: { reason: 'a"b\\c\nd', other: "" }, value: 0.5 },
      ],
    },
    { name: "kmesh_edge_ready", help: "1 where it is", type: "gauge", samples: [{ labels: {}, value: 1 }] },
    { name: "kmesh_edge_nothing", help: "no samples", type: "gauge", samples: [] },
  ]);
  expect(text).toBe(
    [
      "# HELP kmesh_edge_connects_total connect() calls by what became of them",
      "# TYPE kmesh_edge_connects_total counter",
      'kmesh_edge_connects_total{reason="balanced"} 18446744073709551615',
      'kmesh_edge_connects_total{reason="a\\"b\\\\c\\nd",other=""} 0.5',
      "# HELP kmesh_edge_ready 1 where it is",
      "# TYPE kmesh_edge_ready gauge",
      "kmesh_edge_ready 1",
      "# HELP kmesh_edge_nothing no samples",
      "# TYPE kmesh_edge_nothing gauge",
      "",
    ].join("\n"),
  );
});

test("no metrics are no text", () => expect(formatPrometheus([])).toBe(""));

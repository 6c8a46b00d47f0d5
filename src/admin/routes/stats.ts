// Routes of the counters: under Envoy's names for people, under ours for Prometheus.
import { formatPrometheus, prometheusContentType } from "../../telemetry/metrics.ts";
import { json, text } from "../answer.ts";
import { collectMetrics } from "../metrics.ts";
import { toPlain } from "../plain.ts";
import { compileRegex, maxPatternLength } from "../regex.ts";
import { type Asked, jsonType, type Parameter, type Route, textType, wantsJson } from "../route.ts";
import { collectStats, formatStats } from "../stats.ts";

const usedOnly: Parameter = { name: "usedonly", summary: "without what is zero", isFlag: true };

export const statsRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/stats",
    summary: "Counters and gauges under Envoy's names",
    parameters: [
      { name: "format", summary: "text, JSON, or as /stats/prometheus", values: ["text", "json", "prometheus"] },
      { name: "filter", summary: "only names in which this is found (RE2)", maxLength: maxPatternLength },
      usedOnly,
    ],
    contentTypes: [textType, jsonType, prometheusContentType],
    statuses: {},
    access: "read",
    handle: async (_, asked) => (asked.query.format === "prometheus" ? answerPrometheus(asked) : answerStats(asked)),
  },
  {
    method: "GET",
    path: "/stats/prometheus",
    summary: "Metrics in Prometheus' text format",
    parameters: [usedOnly],
    contentTypes: [prometheusContentType],
    statuses: {},
    access: "read",
    handle: (_, asked) => answerPrometheus(asked),
  },
];

async function answerStats(asked: Asked): Promise<Response> {
  const { view, query, now } = asked;
  const matches = query.filter === undefined ? () => true : await compileRegex("filter", query.filter, "part");
  const isShown = (value: number | bigint): boolean => !("usedonly" in query) || Number(value) !== 0;
  const stats = collectStats(view, now()).filter(({ name, value }) => matches(name) && isShown(value));
  return wantsJson(asked) ? json({ stats: toPlain(stats) }) : text(formatStats(stats));
}

async function answerPrometheus({ view, query, now, usage }: Asked): Promise<Response> {
  const matches = query.filter === undefined ? () => true : await compileRegex("filter", query.filter, "part");
  const isShown = (value: number | bigint): boolean => !("usedonly" in query) || Number(value) !== 0;
  const metrics = collectMetrics(view, { now, usage })
    .filter(({ name }) => matches(name))
    .map((metric) => ({ ...metric, samples: metric.samples.filter(({ value }) => isShown(value)) }));
  return text(formatPrometheus(metrics), 200, prometheusContentType);
}

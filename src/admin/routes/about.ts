// Routes about the server itself: what there is to ask, whether it is alive and ready, and what it is.
import { html, json, text } from "../answer.ts";
import { formatHome, renderHome } from "../home.ts";
import { describeApi } from "../openapi.ts";
import { htmlType, jsonType, type Route, textType } from "../route.ts";
import { describeServer, serverState } from "../server-info.ts";

export const aboutRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/",
    summary: "This list; HTML for a browser",
    parameters: [],
    contentTypes: [textType, htmlType],
    statuses: {},
    access: "read",
    handle: ({ req }, { routes }) => {
      const accepted = req.header("accept") ?? "";
      return accepted.includes("text/html") ? html(renderHome(routes)) : text(formatHome(routes));
    },
  },
  {
    method: "GET",
    path: "/ready",
    summary: "LIVE once a configuration is in effect and the workloads are attached",
    parameters: [],
    contentTypes: [textType],
    statuses: { 503: "not yet" },
    access: "read",
    handle: (_, { view }) => {
      const state = serverState(view);
      return text(`${state}\n`, state === "LIVE" ? 200 : 503);
    },
  },
  {
    method: "GET",
    path: "/healthz",
    summary: "OK while the agent answers at all",
    parameters: [],
    contentTypes: [textType],
    statuses: {},
    access: "read",
    handle: () => text("OK\n"),
  },
  {
    method: "GET",
    path: "/server_info",
    summary: "Version, state, uptime and node, in Envoy's shape",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view, now }) => json(describeServer(view, now())),
  },
  {
    method: "GET",
    path: "/openapi.json",
    summary: "This API as an OpenAPI document",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view, routes }) => json(describeApi(routes, view.build.version)),
  },
];

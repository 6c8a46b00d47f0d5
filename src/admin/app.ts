// The admin API as a Hono application: the table of routes, behind the guards. `full` is for the socket, `read` for TCP.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { failure, failureOf } from "./answer.ts";
import { boundRequests, maxBodyBytes, readsOnly } from "./guard.ts";
import { type ProcessUsage, readProcessUsage } from "./process-usage.ts";
import { type Route, readQuery } from "./route.ts";
import { routes as table } from "./table.ts";
import type { AgentView } from "./view.ts";

export type Access = "full" | "read";

export interface Host {
  readonly now: () => Date;
  readonly usage: () => ProcessUsage;
}

const thisHost: Host = { now: () => new Date(), usage: readProcessUsage };

export function createApp(view: AgentView, access: Access, host: Host = thisHost): Hono {
  const routes = access === "full" ? table : table.filter((route) => route.access === "read");
  const app = new Hono();
  app.use(boundRequests());
  if (access === "read") app.use(readsOnly());
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => failure(413, `[usage] the body is longer than ${maxBodyBytes} bytes`),
    }),
  );
  for (const route of routes) {
    app.on(route.method, route.path, (context) =>
      route.handle(context, { view, query: readQuery(route, context.req.url), routes, ...host }),
    );
  }
  app.notFound(({ req }) => notFound(req.method, req.path, routes));
  app.onError((error) => failureOf(error));
  return app;
}

function notFound(method: string, path: string, routes: readonly Route[]): Response {
  const allowed = routes.filter((route) => route.path === path).map((route) => route.method);
  if (allowed.length === 0) return failure(404, `[usage] no such path: ${path.slice(0, 128)}; / lists them`);
  const reason = `[usage] ${path} is asked by ${allowed.join(" or ")}, not ${method}`;
  return failure(405, reason, { allow: allowed.join(", ") });
}

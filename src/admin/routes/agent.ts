// Routes about the agent: its state, its workloads, its host's abilities, its log. Only the socket changes anything.
import type { Context } from "hono";
import { MeshError } from "../../errors.ts";
import { isLogLevel, logLevels } from "../../telemetry/log.ts";
import { failure, json } from "../answer.ts";
import { jsonType, type Parameter, type Route } from "../route.ts";

const target: Parameter = {
  name: "target",
  summary: "a cgroup, as it was enrolled",
  isRequired: true,
  maxLength: 4096,
};

export const agentRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/status",
    summary: "State, problems, sources, commits, map use and workloads",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view }) => json(view.status()),
  },
  {
    method: "GET",
    path: "/workloads",
    summary: "The enrolled cgroups",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view }) => json(view.status().workloads),
  },
  {
    method: "POST",
    path: "/workloads",
    summary: "Enrol a cgroup: its connections are governed from now on; kept over restarts",
    parameters: [],
    body: { target: "absolute path, or path below the cgroup root" },
    contentTypes: [jsonType],
    statuses: {},
    access: "full",
    handle: async (context, { view }) => json(view.enroll(await readTarget(context))),
  },
  {
    method: "DELETE",
    path: "/workloads",
    summary: "Leave a cgroup's new connections alone again",
    parameters: [target],
    contentTypes: [jsonType],
    statuses: { 404: "it isn't enrolled" },
    access: "full",
    handle: (_, { view, query }) => {
      const { target = "" } = query;
      if (view.unenroll(target)) return json({ unenrolled: target });
      return failure(404, `[admin] unenroll ${target}: it isn't enrolled`);
    },
  },
  {
    method: "GET",
    path: "/capabilities",
    summary: "What this host's kernel has of what the data plane uses",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view }) => json(view.capabilities()),
  },
  {
    method: "GET",
    path: "/logging",
    summary: "The log level",
    parameters: [],
    contentTypes: [jsonType],
    statuses: {},
    access: "read",
    handle: (_, { view }) => json({ level: view.logLevel }),
  },
  {
    method: "POST",
    path: "/logging",
    summary: "Change the log level until the agent ends",
    parameters: [{ name: "level", summary: "the new level", values: logLevels, isRequired: true }],
    contentTypes: [jsonType],
    statuses: {},
    access: "full",
    handle: (_, { view, query }) => {
      const { level = "" } = query;
      if (isLogLevel(level)) view.logLevel = level;
      return json({ level: view.logLevel });
    },
  },
];

/** `{"target": "…"}` and nothing else. */
async function readTarget({ req }: Context): Promise<string> {
  const body = parse(await req.text());
  const fields = typeof body === "object" && body !== null ? Object.entries(body) : [];
  const [[name, value] = ["", undefined], ...others] = fields;
  if (name !== target.name || typeof value !== "string" || others.length > 0 || Array.isArray(body)) {
    throw new MeshError("usage", 'body: expected {"target": "CGROUP"}');
  }
  if (value === "" || value.length > (target.maxLength ?? 0)) {
    throw new MeshError("usage", `body: target: expected 1 to ${target.maxLength} characters`);
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MeshError("usage", "body: is not JSON", { cause: error });
  }
}

// /server_info in the shape of Envoy's (envoy.admin.v3.ServerInfo), for the tools that ask it for version, state and node.
import type { JsonObject } from "./envoy/address.ts";
import type { AgentView } from "./view.ts";

/** Envoy's words for a server's state. */
export function serverState(view: AgentView): "LIVE" | "INITIALIZING" {
  return view.status().isReady ? "LIVE" : "INITIALIZING";
}

export function describeServer(view: AgentView, now: Date): JsonObject {
  const { build, node, startedAt } = view;
  const uptime = `${Math.max(0, Math.floor((now.getTime() - startedAt.getTime()) / 1000))}s`;
  return {
    version: version(view),
    state: serverState(view),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {},
    node: { id: node.id, cluster: node.cluster, user_agent_name: "kmesh-edge", user_agent_version: build.version },
  };
}

/** As Envoy's: revision/version/state of the sources/build type/TLS library (source/common/version/version.cc). */
function version({ build: { commit, sources, version } }: AgentView): string {
  const isDirty = commit.endsWith("-dirty");
  const revision = commit === "" ? sources : commit.replace(/-dirty$/, "");
  return [revision, version, isDirty ? "Modified" : "Clean", "RELEASE", "none"].join("/");
}

// Every route of the admin API, in the order of the list at /.
import type { Route } from "./route.ts";
import { aboutRoutes } from "./routes/about.ts";
import { agentRoutes } from "./routes/agent.ts";
import { configRoutes } from "./routes/config.ts";
import { statsRoutes } from "./routes/stats.ts";

export const routes: readonly Route[] = [...aboutRoutes, ...configRoutes, ...statsRoutes, ...agentRoutes];

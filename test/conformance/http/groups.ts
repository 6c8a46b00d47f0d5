// Every group of HTTP scenarios, in the order of the support table.

import { badRequests } from "./groups/bad-requests.ts";
import { badResponses } from "./groups/bad-responses.ts";
import { breakers } from "./groups/breakers.ts";
import { connections } from "./groups/connections.ts";
import { cors } from "./groups/cors.ts";
import { endpoints } from "./groups/endpoints.ts";
import { faults } from "./groups/faults.ts";
import { hashes } from "./groups/hashing.ts";
import { headers } from "./groups/headers.ts";
import { hosts } from "./groups/hosts.ts";
import { internalRedirects } from "./groups/internal-redirects.ts";
import { limits } from "./groups/limits.ts";
import { manager } from "./groups/manager.ts";
import { mirrors } from "./groups/mirrors.ts";
import { mutations } from "./groups/mutations.ts";
import { notHttp } from "./groups/not-http.ts";
import { operators } from "./groups/operators.ts";
import { paths } from "./groups/paths.ts";
import { queries } from "./groups/queries.ts";
import { rbacs } from "./groups/rbac.ts";
import { redirects } from "./groups/redirects.ts";
import { requests } from "./groups/requests.ts";
import { responses } from "./groups/responses.ts";
import { retries } from "./groups/retries.ts";
import { rewrites } from "./groups/rewrites.ts";
import { timeouts } from "./groups/timeouts.ts";
import { upgrades } from "./groups/upgrades.ts";
import { weights } from "./groups/weights.ts";
import type { Group } from "./scenario.ts";

export const groups: readonly Group[] = [
  ...[hosts, paths, headers, queries, weights, redirects, rewrites, mutations, operators, retries, timeouts, breakers],
  ...[endpoints, hashes, mirrors, internalRedirects, manager, faults, cors, rbacs, limits],
  ...[requests, connections, responses, upgrades, badRequests, badResponses, notHttp],
];

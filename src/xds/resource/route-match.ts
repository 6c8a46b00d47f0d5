// envoy.config.route.v3.RouteMatch: the conditions that a request must meet.
import type { RouteMatch as MatchModel, PathMatcher } from "../../model/matcher.ts";
import { wireText } from "../../model/wire-text.ts";
import type { RouteMatch } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { convertCookie, convertFraction, convertHeaderMatchers, convertQueryParameter } from "./matcher.ts";
import { convertRegex } from "./regex.ts";
import { at, type Report } from "./report.ts";

/** Stands where a path was refused: matches nothing. */
const NO_PATH: PathMatcher = { match: "exact", value: "", caseSensitive: true };

/** An unset match was refused by inspection. */
export function convertMatch(match: RouteMatch | undefined, path: string, report: Report): MatchModel {
  const parameters = match?.queryParameters ?? [];
  const cookies = match?.cookies ?? [];
  return {
    path: match === undefined ? NO_PATH : convertPath(match, path, report),
    headers: convertHeaderMatchers(match?.headers ?? [], at(path, "headers"), report),
    queryParameters: parameters.map((entry, i) =>
      convertQueryParameter(entry, at(path, `query_parameters[${i}]`), report),
    ),
    cookies: cookies.map((entry, i) => convertCookie(entry, at(path, `cookies[${i}]`), report)),
    grpcOnly: match?.grpc !== undefined,
    fraction: convertFraction(match?.runtimeFraction),
  };
}

function convertPath(match: RouteMatch, path: string, report: Report): PathMatcher {
  const specifier = match.pathSpecifier;
  const caseSensitive = match.caseSensitive ?? true;
  switch (specifier.case) {
    case "prefix":
      return { match: "prefix", value: wireText(specifier.value), caseSensitive };
    case "path":
      return { match: "exact", value: wireText(specifier.value), caseSensitive };
    case "pathSeparatedPrefix":
      return { match: "separated_prefix", value: wireText(specifier.value), caseSensitive };
    case "safeRegex":
      return { match: "regex", pattern: convertRegex(specifier.value, at(path, "safe_regex"), report) };
    case "connectMatcher":
      return { match: "connect" };
    case "pathMatchPolicy":
    case undefined:
      return NO_PATH; // refused by inspection
    default:
      return specifier satisfies never;
  }
}

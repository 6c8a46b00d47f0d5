// The actions of a route that answer without an upstream: redirects and direct responses.
import type { DirectResponseAction as DirectModel, RedirectAction as RedirectModel } from "../../model/route.ts";
import { wireText } from "../../model/wire-text.ts";
import {
  type DirectResponseAction,
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Place } from "./inspect.ts";
import { convertRegexRewrite } from "./regex.ts";
import { at } from "./report.ts";

export function convertRedirect(redirect: RedirectAction, place: Place): RedirectModel {
  const { path, report } = place;
  if (redirect.portRedirect > 65_535) report.reject(at(path, "port_redirect"), "must be at most 65535");
  return {
    type: "redirect",
    status: statusOf(redirect.responseCode),
    host: wireText(redirect.hostRedirect),
    port: redirect.portRedirect === 0 ? undefined : redirect.portRedirect,
    scheme: convertScheme(redirect, place),
    path: convertPath(redirect, place),
    stripQuery: redirect.stripQuery,
  };
}

function statusOf(code: RedirectAction_RedirectResponseCode): number {
  switch (code) {
    case RedirectAction_RedirectResponseCode.FOUND:
      return 302;
    case RedirectAction_RedirectResponseCode.SEE_OTHER:
      return 303;
    case RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT:
      return 307;
    case RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT:
      return 308;
    default:
      return 301; // MOVED_PERMANENTLY; any other number was refused by inspection
  }
}

function convertScheme({ schemeRewriteSpecifier: specifier }: RedirectAction, place: Place): RedirectModel["scheme"] {
  if (specifier.case === "httpsRedirect") return specifier.value ? "https" : undefined;
  if (specifier.case === undefined || specifier.value === "") return undefined;
  if (specifier.value === "http" || specifier.value === "https") return specifier.value;
  place.report.reject(at(place.path, "scheme_redirect"), "must be http or https");
  return undefined;
}

/** Empty texts are as good as unset, for Envoy too (RouteEntryImplBase::isRedirect). */
function convertPath({ pathRewriteSpecifier: specifier }: RedirectAction, place: Place): RedirectModel["path"] {
  switch (specifier.case) {
    case "pathRedirect":
      return specifier.value === "" ? undefined : { type: "literal", value: wireText(specifier.value) };
    case "prefixRewrite":
      return specifier.value === "" ? undefined : { type: "prefix", value: wireText(specifier.value) };
    case "regexRewrite": {
      const rewrite = convertRegexRewrite(specifier.value, at(place.path, "regex_rewrite"), place.report);
      return { type: "regex", rewrite };
    }
    case "pathRewrite": // refused by inspection
    case undefined:
      return undefined;
    default:
      return specifier satisfies never;
  }
}

/** `maxBody` is the route configuration's max_direct_response_body_size_bytes. */
export function convertDirectResponse(direct: DirectResponseAction, maxBody: number, place: Place): DirectModel {
  const body = bodyOf(direct);
  if (body.length > maxBody) {
    const limit = "max_direct_response_body_size_bytes of the route configuration";
    place.report.reject(at(place.path, "body"), `has ${body.length} bytes: more than ${limit} (${maxBody})`);
  }
  return { type: "direct_response", status: direct.status, body };
}

/** Other sources were refused by inspection. The bytes are copied: nothing of a response's buffer may stay in the model. */
function bodyOf({ body }: DirectResponseAction): Uint8Array {
  const specifier = body?.specifier;
  if (specifier?.case === "inlineString") return new TextEncoder().encode(specifier.value);
  return specifier?.case === "inlineBytes" ? Uint8Array.from(specifier.value) : new Uint8Array();
}

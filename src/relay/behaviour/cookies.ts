// Cookies as Envoy reads and writes them (source/common/http/utility.cc: makeSetCookieValue).
import { cookie } from "../../compile/route-condition.ts";
import type { RequestView } from "../../model/request.ts";

/** The value of the first cookie of that name, without quotes; "" where there is none. */
export function cookieValue(request: RequestView, name: string): string {
  return cookie(request.values("cookie"), name) ?? "";
}

export interface NewCookie {
  readonly name: string;
  readonly value: string;
  /** 0: until the browser closes. */
  readonly ttlSeconds: number;
  readonly path: string;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/** The value of a Set-Cookie field. */
export function setCookie({ name, value, ttlSeconds, path, attributes }: NewCookie): string {
  const parts = [
    `${name}="${value}"`,
    ...(ttlSeconds === 0 ? [] : [`Max-Age=${ttlSeconds}`]),
    ...(path === "" ? [] : [`Path=${path}`]),
    ...attributes.map((attribute) =>
      attribute.value === "" ? attribute.name : `${attribute.name}=${attribute.value}`,
    ),
    "HttpOnly",
  ];
  return parts.join("; ");
}

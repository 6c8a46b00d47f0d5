// The matchers of a route (envoy.config.route.v3.RouteMatch), as Envoy evaluates them. Text is what was on the wire, one
// character a byte (latin1).

/** envoy.type.matcher.v3.StringMatcher. A regular expression has RE2's syntax and must match the whole text. */
export type StringMatcher =
  | {
      readonly match: "exact" | "prefix" | "suffix" | "contains";
      readonly value: string;
      /** ASCII letters only. */
      readonly ignoreCase: boolean;
    }
  | { readonly match: "regex"; readonly pattern: string };

/** Of the path without query and fragment. */
export type PathMatcher =
  | {
      readonly match: "prefix" | "exact" | "separated_prefix";
      readonly value: string;
      readonly caseSensitive: boolean;
    }
  | { readonly match: "regex"; readonly pattern: string }
  /** connect_matcher: requests with method CONNECT, and only those. */
  | { readonly match: "connect" };

export type ValueCondition =
  | StringMatcher
  | { readonly match: "present" }
  /** The whole text is a decimal integer in [start, end). */
  | { readonly match: "range"; readonly start: bigint; readonly end: bigint };

export interface HeaderMatcher {
  /** Lower case; `:method`, `:path` (with query), `:authority`, `:scheme` are what HTTP/2 would have. */
  readonly name: string;
  readonly condition: ValueCondition;
  readonly invert: boolean;
  /** treat_missing_header_as_empty. */
  readonly missingIsEmpty: boolean;
}

export interface QueryParameterMatcher {
  readonly name: string;
  /** absent: present_match is false. */
  readonly condition: StringMatcher | { readonly match: "present" } | { readonly match: "absent" };
}

export interface CookieMatcher {
  readonly name: string;
  readonly condition: StringMatcher;
  readonly invert: boolean;
}

/** Chance of numerator / denominator. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: 100 | 10_000 | 1_000_000;
}

/** All conditions must hold. */
export interface RouteMatch {
  readonly path: PathMatcher;
  readonly headers: readonly HeaderMatcher[];
  readonly queryParameters: readonly QueryParameterMatcher[];
  readonly cookies: readonly CookieMatcher[];
  /** grpc: content-type is application/grpc, or begins with `application/grpc+`. */
  readonly grpcOnly: boolean;
  /** runtime_fraction.default_value; there is no runtime to override it. */
  readonly fraction: Fraction | undefined;
}

// What matchers, filters and templates may ask of a request: the view that HTTP/2 would have of it.

export interface RequestView {
  readonly method: string;
  /** The Host header, or the authority of an absolute-form or CONNECT target. As sent. */
  readonly authority: string;
  /** With query, without fragment; "" for CONNECT. */
  readonly path: string;
  readonly scheme: "http" | "https";
  /**
   * Each field of this lower-case name by itself, in order; empty where there is none. Header matchers hold where one of them does
   * (Envoy since 1.39: match_headers_individually).
   */
  values(name: string): readonly string[];
  /** The values of a field, by lower-case name, joined by "," (RFC 9110, section 5.3); undefined where there is none. */
  header(name: string): string | undefined;
}

// Requests for tests, from their fields in order.
import type { RequestView } from "../model/request.ts";

export interface RequestFields {
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly scheme?: "http" | "https";
  /** `name: value`, names in lower case. */
  readonly fields?: readonly string[];
}

export function request({ fields = [], ...line }: RequestFields = {}): RequestView {
  const pairs = fields.map((field) => /^([^:]+): ?(.*)$/s.exec(field)?.slice(1) ?? []);
  const values = (name: string) => pairs.flatMap(([each, value = ""]) => (each === name ? [value] : []));
  return {
    method: "GET",
    authority: "shop.example",
    path: "/",
    scheme: "http",
    ...line,
    values,
    header: (name) => (values(name).length === 0 ? undefined : values(name).join(",")),
  };
}

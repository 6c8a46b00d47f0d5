// Changes of headers (HeaderValueOption, headers_to_remove) and the values that are put together from a request
// (Envoy's command operators: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#command-operators).

/** A part of a value: text as it is, or an operator that is replaced. `%%` is already the text "%". */
export type ValuePart =
  | { readonly type: "text"; readonly text: string }
  /** %REQ(name?alternative):maxLength% and %RESP(…)%; names in lower case. Missing: "" (in a value with other parts "-" isn't put). */
  | {
      readonly type: "request_header" | "response_header";
      readonly name: string;
      readonly alternative: string | undefined;
      readonly maxLength: number | undefined;
    }
  /** %START_TIME(format)%; "" = Envoy's default, %Y-%m-%dT%H:%M:%S.%3fZ. */
  | { readonly type: "start_time"; readonly format: string }
  | {
      readonly type:
        | "protocol"
        | "downstream_remote_address"
        | "downstream_remote_address_without_port"
        | "downstream_remote_port"
        | "downstream_local_address"
        | "downstream_local_address_without_port"
        | "downstream_local_port"
        | "upstream_host"
        | "upstream_cluster"
        | "upstream_remote_address"
        | "upstream_remote_address_without_port"
        | "upstream_remote_port"
        | "route_name"
        | "response_code"
        | "response_flags"
        | "hostname";
    };

export type ValueTemplate = readonly ValuePart[];

/** HeaderValueOption.append_action. */
export type AppendAction =
  | "append_if_exists_or_add"
  | "add_if_absent"
  | "overwrite_if_exists_or_add"
  | "overwrite_if_exists";

export interface HeaderAddition {
  /** As configured; names compare without case. */
  readonly name: string;
  readonly value: ValueTemplate;
  readonly action: AppendAction;
  /** keep_empty_value: false drops the header where its value comes out empty. */
  readonly keepEmpty: boolean;
}

export interface HeaderMutations {
  /** Removed first, by lower-case name. */
  readonly remove: readonly string[];
  readonly add: readonly HeaderAddition[];
}

export const noMutations: HeaderMutations = { remove: [], add: [] };

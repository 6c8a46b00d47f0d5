// What is changed of a response's fields on its way to the client: by the route, by filters that have seen the request, and by the
// connection manager, in this order.
import type { HttpOptions } from "../model/http.ts";
import type { ResponseView } from "./behaviour/conditions.ts";
import type { Fields } from "./behaviour/fields.ts";
import { addToResponse, setAttemptCount } from "./behaviour/forwarded.ts";
import { applyMutations } from "./behaviour/mutations.ts";
import { addRequestId } from "./behaviour/request-id.ts";
import type { TemplateContext } from "./behaviour/template.ts";
import type { ChainPlan, RoutePlan } from "./plan.ts";

export interface ResponseContext {
  readonly route: RoutePlan | undefined;
  readonly template: () => TemplateContext;
  readonly requestId: string | undefined;
  /** 0: the request wasn't sent anywhere. */
  readonly attempt: number;
}

export class ResponseChanges {
  readonly #plan: ChainPlan;
  readonly #options: HttpOptions;
  #byFilters: ((fields: Fields) => void)[] | undefined;

  constructor(plan: ChainPlan) {
    this.#plan = plan;
    this.#options = plan.options;
  }

  /** By a filter, whatever response the client gets. */
  add(change: (fields: Fields) => void): void {
    this.#byFilters ??= [];
    this.#byFilters.push(change);
  }

  reset(): void {
    this.#byFilters = undefined;
  }

  /** For an endpoint's response with this status; undefined: its fields stay as they came. */
  ofResponse(status: number, context: ResponseContext): ((fields: Fields) => void) | undefined {
    const { route } = context;
    const isNeeded =
      this.#plan.changesResponses ||
      this.#byFilters !== undefined ||
      (route !== undefined && (route.responseMutations.length > 0 || route.virtualHost.attemptCount.inResponse));
    if (!isNeeded) return undefined;
    return (fields) => {
      this.byRoute(fields, status, context);
      this.byAttempts(fields, context);
      this.ofAny(fields, context.requestId);
    };
  }

  /** `status`: of an endpoint's response. */
  byRoute(fields: Fields, status: number | undefined, { route, template }: ResponseContext): void {
    const mutations = route?.responseMutations ?? [];
    if (mutations.length === 0) return;
    const context = { ...template(), response: status === undefined ? undefined : viewOf(status, fields) };
    for (const each of mutations) applyMutations(fields, each, context);
  }

  byAttempts(fields: Fields, { route, attempt }: ResponseContext): void {
    if (attempt > 0 && route?.virtualHost.attemptCount.inResponse === true) setAttemptCount(fields, attempt);
  }

  /** Of one that is made here, too. */
  ofAny(fields: Fields, requestId: string | undefined): void {
    for (const change of this.#byFilters ?? []) change(fields);
    addToResponse(fields, this.#options);
    addRequestId(fields, this.#options, requestId);
  }
}

function viewOf(status: number, fields: Fields): ResponseView {
  return { status, header: (name) => fields.header(name), values: (name) => fields.values(name) };
}

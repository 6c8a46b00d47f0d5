// /openapi.json: the OpenAPI 3.1 document of the routes that can be asked for here.
import type { JsonObject } from "./envoy/address.ts";
import { jsonType, type Parameter, type Route } from "./route.ts";

export function describeApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeOperation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "kmesh-edge admin API", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: { schemas: { Error: errorSchema } },
  };
}

const errorSchema = {
  type: "object",
  properties: { error: { type: "string", description: "[code] verb object: reason" } },
  required: ["error"],
};

function describeOperation({ method, path, summary, parameters, body, contentTypes, statuses }: Route): JsonObject {
  const content = Object.fromEntries(contentTypes.map((type) => [type.replace(/;.*/, ""), {}]));
  const failure = {
    description: "an error",
    content: { [jsonType]: { schema: { $ref: "#/components/schemas/Error" } } },
  };
  const others = Object.entries(statuses).map(([status, description]) => [status, { description }]);
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z]+([a-z]?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(describeParameter) }),
    ...(body === undefined ? {} : { requestBody: describeBody(body) }),
    responses: { 200: { description: "OK", content }, ...Object.fromEntries(others), default: failure },
  };
}

function describeParameter({ name, summary, isRequired = false, values, isFlag, maxLength }: Parameter): JsonObject {
  return {
    name,
    in: "query",
    description: summary,
    required: isRequired,
    ...(isFlag === true ? { allowEmptyValue: true } : {}),
    schema: {
      type: "string",
      ...(values === undefined ? {} : { enum: values }),
      ...(maxLength === undefined ? {} : { maxLength }),
    },
  };
}

function describeBody(fields: Readonly<Record<string, string>>): JsonObject {
  const properties = Object.entries(fields).map(([name, description]) => [name, { type: "string", description }]);
  const schema = {
    type: "object",
    properties: Object.fromEntries(properties),
    required: Object.keys(fields),
    additionalProperties: false,
  };
  return { required: true, content: { [jsonType]: { schema } } };
}

// Header mutations: append actions, levels and their order, removal.
import { header, routed, sends } from "../mutation.ts";
import { type Group, get, one, replies, reply } from "../scenario.ts";

export const mutations: Group = {
  name: "header mutations",
  settings: [
    {
      name: "append actions on requests",
      routes: routed({
        request_headers_to_add: [
          header("X-Default", "new"),
          header("X-Append", "new", "APPEND_IF_EXISTS_OR_ADD"),
          header("X-Absent", "new", "ADD_IF_ABSENT"),
          header("X-Over", "new", "OVERWRITE_IF_EXISTS_OR_ADD"),
          header("X-Exists", "new", "OVERWRITE_IF_EXISTS"),
        ],
      }),
      cases: [
        sends("none of them there", get("/"), {
          ...{ "x-default": "new", "x-append": "new", "x-absent": "new", "x-over": "new", "x-exists": null },
        }),
        sends(
          "all there",
          get("/", "X-Default: old", "X-Append: old", "X-Absent: old", "X-Over: old", "X-Exists: old"),
          {
            ...{ "x-default": "old,new", "x-append": "old,new", "x-absent": "old", "x-over": "new", "x-exists": "new" },
          },
        ),
        sends(
          "twice there",
          get("/", "X-Over: 1", "X-Exists: 1", "X-Over: 2", "X-Exists: 2", "X-Absent: 1", "X-Absent: 2"),
          {
            ...{ "x-over": "new", "x-exists": "new", "x-absent": "1,2" },
          },
        ),
        sends("there, in another case, and empty", get("/", "x-OVER:", "X-ABSENT:", "x-exists:"), {
          ...{ "x-over": "new", "x-absent": "", "x-exists": "new" },
        }),
      ],
    },
    {
      name: "append actions on responses",
      routes: routed({
        response_headers_to_add: [
          header("X-Append", "new"),
          header("X-Absent", "new", "ADD_IF_ABSENT"),
          header("X-Over", "new", "OVERWRITE_IF_EXISTS_OR_ADD"),
          header("X-Exists", "new", "OVERWRITE_IF_EXISTS"),
          header("Set-Cookie", "added=1"),
        ],
        response_headers_to_remove: ["X-Gone", "x-over-gone"],
      }),
      cases: [
        one("none of them there", get("/"), "200 a", {
          fields: { "x-append": "new", "x-absent": "new", "x-over": "new", "x-exists": null, "set-cookie": "added=1" },
        }),
        one("all there", get("/"), "200", {
          backends: {
            a: replies(
              reply(
                200,
                "",
                "X-Append: old",
                "X-Absent: old",
                "X-Over: old",
                "X-Exists: old",
                "Set-Cookie: a=b",
                "X-Gone: 1",
                "X-GONE: 2",
              ),
            ),
          },
          fields: {
            "x-append": "old,new",
            "x-absent": "old",
            "x-over": "new",
            "x-exists": "new",
            "set-cookie": "a=b,added=1",
            "x-gone": null,
          },
        }),
      ],
    },
    {
      name: "the deprecated append",
      routes: routed({
        request_headers_to_add: [
          { header: { key: "x-a", value: "new" }, append: true },
          { header: { key: "x-b", value: "new" }, append: false },
        ],
      }),
      cases: [sends("both", get("/", "X-A: old", "X-B: old"), { "x-a": "old,new", "x-b": "new" })],
    },
    {
      name: "empty values",
      routes: routed({
        request_headers_to_add: [
          header("x-a", ""),
          header("x-b", "", undefined, { keep_empty_value: true }),
          header("x-c", "%REQ(x-none)%"),
        ],
      }),
      cases: [sends("kept where it is said", get("/"), { "x-a": null, "x-b": "", "x-c": null })],
    },
    {
      name: "removal",
      routes: routed({
        request_headers_to_remove: ["X-Secret", "accept"],
        request_headers_to_add: [header("x-secret", "added")],
      }),
      cases: [
        sends("removed, then added", get("/", "x-secret: 1", "X-SECRET: 2", "Accept: */*", "X-Stay: 1"), {
          ...{ "x-secret": "added", accept: null, "x-stay": "1" },
        }),
      ],
    },
    {
      name: "levels",
      configuration: {
        request_headers_to_add: [
          header("x-order", "configuration"),
          header("x-over", "configuration", "OVERWRITE_IF_EXISTS_OR_ADD"),
        ],
        request_headers_to_remove: ["x-by-route", "x-in"],
        response_headers_to_add: [header("x-out", "configuration")],
      },
      host: {
        request_headers_to_add: [header("x-order", "host"), header("x-over", "host", "OVERWRITE_IF_EXISTS_OR_ADD")],
        response_headers_to_add: [header("x-out", "host")],
      },
      routes: routed(
        {
          request_headers_to_add: [
            ...[
              header("x-order", "route"),
              header("x-over", "route", "OVERWRITE_IF_EXISTS_OR_ADD"),
              header("x-by-route", "1"),
            ],
          ],
          response_headers_to_add: [header("x-out", "route")],
        },
        {
          weighted_clusters: {
            clusters: [
              {
                name: "@a",
                weight: 1,
                request_headers_to_add: [
                  header("x-order", "cluster"),
                  header("x-over", "cluster", "OVERWRITE_IF_EXISTS_OR_ADD"),
                ],
                response_headers_to_add: [header("x-out", "cluster")],
                request_headers_to_remove: ["x-weighted"],
              },
            ],
          },
        },
      ),
      cases: [
        one("applied from the inside out", get("/", "X-In: 1", "X-Weighted: 1"), "200 a", {
          sent: {
            "x-order": "cluster,route,host,configuration",
            "x-over": "configuration",
            "x-in": null,
            "x-weighted": null,
          },
          fields: { "x-out": "cluster,route,host,configuration" },
        }),
      ],
    },
    {
      name: "most_specific_header_mutations_wins",
      configuration: {
        most_specific_header_mutations_wins: true,
        request_headers_to_add: [
          header("x-order", "configuration"),
          header("x-over", "configuration", "OVERWRITE_IF_EXISTS_OR_ADD"),
        ],
        response_headers_to_add: [header("x-out", "configuration")],
      },
      host: {
        request_headers_to_add: [header("x-order", "host"), header("x-over", "host", "OVERWRITE_IF_EXISTS_OR_ADD")],
      },
      routes: routed({
        request_headers_to_add: [header("x-order", "route"), header("x-over", "route", "OVERWRITE_IF_EXISTS_OR_ADD")],
        response_headers_to_add: [header("x-out", "route")],
      }),
      cases: [
        one("applied from the outside in", get("/"), "200 a", {
          sent: { "x-order": "configuration,host,route", "x-over": "route" },
          fields: { "x-out": "configuration,route" },
        }),
      ],
    },
    {
      name: "internal_only_headers",
      configuration: { internal_only_headers: ["X-Internal"] },
      routes: routed({ response_headers_to_add: [header("x-saw", "%REQ(x-internal)%")] }),
      cases: [one("removed", get("/", "X-Internal: 1"), "200 a", { sent: { "x-internal": null } })],
    },
  ],
};

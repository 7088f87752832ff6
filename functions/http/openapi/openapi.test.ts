import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { FAILURES } from "../../../shared/platform/errors.ts";
import { statusesOf } from "../../runtime/endpoint.ts";
import { endpoints } from "../endpoints.ts";
import { describeApi, type Operation } from "./describe-api.ts";
import promised from "./openapi.json" with { type: "json" };

const description = describeApi(endpoints);
const operations: readonly (readonly [string, Operation])[] = Object.entries(description.paths).flatMap(
  ([path, byMethod]) =>
    Object.entries(byMethod).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
);

test("the description is valid OpenAPI 3.1, by a validator of others", async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(description)));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test("what is promised (openapi.json) is what there is: `npm run describe` writes it, unless that breaks clients", () => {
  expect(promised).toEqual(JSON.parse(JSON.stringify(description)));
});

test("it has every endpoint once, under a name of its own, and no path twice with other names in it", () => {
  expect(operations.map(([name]) => name).sort()).toEqual(
    endpoints.map(({ method, path }) => `${method} ${path}`).sort(),
  );
  expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(endpoints.length);
  const shapes = Object.keys(description.paths).map((path) => path.replaceAll(/\{\w+\}/g, "{}"));
  expect(new Set(shapes).size).toBe(shapes.length);
});

test("every reference leads somewhere, and everything named is referred to", () => {
  const text = JSON.stringify(description);
  const references = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, to = ""]) => to),
  );
  const { schemas, responses, headers, parameters } = description.components;
  const named = Object.entries({ schemas, responses, headers, parameters }).flatMap(([kind, all]) =>
    Object.keys(all).map((name) => `${kind}/${name}`),
  );
  expect([...references].filter((to) => !named.includes(to))).toEqual([]);
  const refusals = named.filter((name) => name.startsWith("responses/"));
  expect(named.filter((name) => !references.has(name) && !refusals.includes(name))).toEqual([
    "headers/Deprecation",
    "headers/Sunset",
  ]);
});

test("each operation names its statuses, its parameters and what refuses it; every status of a failure has a reply", () => {
  for (const endpoint of endpoints) {
    const operation = description.paths[endpoint.path]?.[endpoint.method.toLowerCase()];
    const statuses = Object.keys(operation?.responses ?? {}).map(Number);
    expect(statuses).toEqual(expect.arrayContaining([...statusesOf(endpoint), 400, 429, 500, 503]));
    const inPath = operation?.parameters.filter((each) => "in" in each && each.in === "path").length ?? 0;
    const wanted = [...endpoint.path.matchAll(/\{(\w+)\}/g)].filter(([, name]) => name !== "app");
    expect([endpoint.path, inPath]).toEqual([endpoint.path, wanted.length]);
  }
  const statuses = new Set(Object.values(FAILURES).map(({ status }) => `Problem${status}`));
  expect(Object.keys(description.components.responses).sort()).toEqual([...statuses].sort());
});

test("what is got may have more members, what is sent may not", () => {
  const { Message, NewMessage } = description.components.schemas;
  expect(Message?.additionalProperties).toBeUndefined();
  expect(NewMessage?.additionalProperties).toBe(false);
});

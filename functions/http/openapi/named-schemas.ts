import { z } from "zod";
import * as aiSdk from "../../../shared/ai-sdk/contract.ts";
import * as assistant from "../../../shared/assistant/contract.ts";
import * as chat from "../../../shared/chat/contract.ts";
import * as files from "../../../shared/files/contract.ts";
import * as identity from "../../../shared/identity/contract.ts";
import * as jobs from "../../../shared/jobs/contract.ts";
import * as live from "../../../shared/live/contract.ts";
import * as notify from "../../../shared/notify/contract.ts";
import * as platform from "../../../shared/platform/contract.ts";
import * as rollout from "../../../shared/rollout/contract.ts";
import * as search from "../../../shared/search/contract.ts";

/** JSON Schema as OpenAPI 3.1 has it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What two domains call alike has the domain before its name. */
const DOMAINS = {
  "": [aiSdk, assistant, chat, files, identity, jobs, live, notify, platform, search],
  Rollout: [rollout],
};

/** The schemas that contracts export, under their names: clients get types of the same names. */
const registry = z.registry<{ id: string }>();
for (const [prefix, contracts] of Object.entries(DOMAINS)) {
  for (const [name, value] of contracts.flatMap((contract) => Object.entries(contract))) {
    if (!(value instanceof z.ZodType) || registry.has(value)) continue;
    registry.add(value, { id: name.startsWith(prefix) ? name : prefix + name });
  }
}

export interface NamedSchemas {
  /** What a client sends, or is sent. What the contracts name becomes a reference. */
  of(schema: z.ZodType, direction: "input" | "output"): JsonSchema;
  /** All that was referred to, by name. */
  readonly all: Readonly<Record<string, JsonSchema>>;
}

/** Collects the named schemas of one description. What is sent otherwise than it is got has two names. */
export function createNamedSchemas(): NamedSchemas {
  const all: Record<string, JsonSchema> = {};
  const add = (name: string, schema: JsonSchema): string => {
    const known = all[name];
    if (known === undefined) all[name] = schema;
    return known === undefined || JSON.stringify(known) === JSON.stringify(schema)
      ? name
      : add(`${name}Input`, schema);
  };
  return {
    of(schema, io) {
      const {
        $defs = {},
        $schema: _,
        ...root
      } = z.toJSONSchema(schema, {
        io,
        metadata: registry,
        override: ({ jsonSchema }) => {
          // Members may be added to what is got.
          if (io === "output" && jsonSchema.additionalProperties === false)
            delete jsonSchema.additionalProperties;
        },
      });
      const direct = root.id === undefined ? {} : { [root.id]: root };
      const names = new Map<string, string>();
      const refer = (value: unknown): unknown => referring(value, (name) => names.get(name) ?? name);
      // A schema whose parts have another name is another one itself, so its name is found last.
      const found = { ...$defs, ...direct } as Record<string, JsonSchema>;
      for (const name of inOrderOfUse(found)) {
        const { id: _id, ...stripped } = refer(found[name]) as JsonSchema;
        names.set(name, add(name, stripped));
      }
      if (root.id !== undefined) return { $ref: referenceTo(names.get(root.id) ?? "") };
      return refer(root) as JsonSchema;
    },
    all,
  };
}

const LOCAL = "#/$defs/";
const referenceTo = (name: string): string => `#/components/schemas/${name}`;

/** The same with each local reference as one to the description's components. */
function referring(value: unknown, nameOf: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => referring(each, nameOf));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) =>
      key === "$ref" && typeof each === "string" && each.startsWith(LOCAL)
        ? [key, referenceTo(nameOf(each.slice(LOCAL.length)))]
        : [key, referring(each, nameOf)],
    ),
  );
}

/** Names, those first that others refer to. */
function inOrderOfUse(schemas: Readonly<Record<string, JsonSchema>>): string[] {
  const ordered = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (ordered.has(name) || above.includes(name)) return;
    const used = JSON.stringify(schemas[name]).matchAll(/"#\/\$defs\/([^"]+)"/g);
    for (const [, other = ""] of used) visit(other, [...above, name]);
    ordered.add(name);
  };
  for (const name of Object.keys(schemas)) visit(name, []);
  return [...ordered];
}

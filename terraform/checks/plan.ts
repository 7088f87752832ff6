import type { Body, Configuration } from "./configuration.ts";
import { type Scope, within } from "./evaluate.ts";
import type { Node } from "./expression.ts";
import {
  addressOf,
  argumentOf,
  entriesOf,
  instanceAddress,
  type ListNode,
  type ObjectNode,
  openReferences,
  type References,
} from "./references.ts";
import type { ProviderSchema } from "./schema.ts";
import { refusals, variablesOf } from "./variables.ts";

/** One instance of a resource, with every value that is known before it is created. */
export interface Instance {
  /** As Terraform names it: google_pubsub_topic.this["chat-changes"]. */
  readonly address: string;
  readonly type: string;
  readonly name: string;
  readonly key: string | undefined;
  /** Arguments, and blocks as lists; dynamic blocks stand among the others. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Plan {
  readonly instances: readonly Instance[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly locals: Readonly<Record<string, unknown>>;
  /** What the validations of variables say against the given values. */
  readonly refusals: readonly string[];
  of(type: string, name?: string): readonly Instance[];
}

/** What stands in a resource and is not sent to the provider. */
const META = new Set(["for_each", "count", "lifecycle", "depends_on", "provider", "dynamic"]);

/**
 * What Terraform would create for these variables, as far as that is known before it is applied. Every
 * reference is followed.
 * @throws Error when something refers to what is not there
 */
export async function planOf(
  configuration: Configuration,
  given: Body,
  schema: ProviderSchema,
): Promise<Plan> {
  const variables = await variablesOf(configuration, given);
  const references = await openReferences(configuration, variables, schema);
  const kinds = [
    ["resource", configuration.resources],
    ["data", configuration.data],
  ] as const;
  const instances = kinds.flatMap(([kind, types]) =>
    Object.entries(types).flatMap(([type, named]) =>
      Object.keys(named).flatMap((name): Instance[] => {
        const address = addressOf(kind, type, name);
        const body = references.body(address);
        followDependencies(references, body);
        return references.scopesOf(body).map(([key, scope]) => ({
          address: instanceAddress(address, key),
          type: kind === "data" ? `data.${type}` : type,
          name,
          key,
          values: printed(valuesOf(references, body, scope)),
        }));
      }),
    ),
  );
  const named = (names: readonly string[], node: (name: string) => Node): Record<string, unknown> =>
    printed(Object.fromEntries(names.map((name) => [name, references.value(node(name))])));
  return {
    instances,
    outputs: named(Object.keys(configuration.outputs), (name) =>
      demand(argumentOf(references.body(`output.${name}`), "value")),
    ),
    locals: named(Object.keys(configuration.locals), (name) => references.body(`local.${name}`)),
    refusals: await refusals(configuration, references),
    of: (type, name) =>
      instances.filter((it) => it.type === type && (name === undefined || it.name === name)),
  };
}

/** What only Google Cloud knows stands as its address. */
const printed = (values: object): Record<string, unknown> =>
  JSON.parse(JSON.stringify(values)) as Record<string, unknown>;

function valuesOf(references: References, body: ObjectNode, scope: Scope): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [keyNode, node] of body.entries) {
    const key = String(references.value(keyNode, scope));
    if (META.has(key)) continue;
    values[key] = isBlockList(node)
      ? node.items.map((item) => valuesOf(references, item as ObjectNode, scope))
      : references.value(node, scope);
  }
  const dynamic = argumentOf(body, "dynamic");
  if (dynamic?.kind !== "object") return values;
  for (const [keyNode, blocks] of dynamic.entries) {
    const key = String(references.value(keyNode, scope));
    const made = (blocks as ListNode).items.flatMap((block) => dynamicBlocks(references, key, block, scope));
    values[key] = [...((values[key] as unknown[] | undefined) ?? []), ...made];
  }
  return values;
}

function dynamicBlocks(references: References, key: string, block: Node, scope: Scope): unknown[] {
  const content = (demand(argumentOf(block as ObjectNode, "content")) as ListNode).items[0] as ObjectNode;
  const each = references.value(demand(argumentOf(block as ObjectNode, "for_each")), scope);
  return entriesOf(each).map(([itemKey, item]) =>
    valuesOf(references, content, within(scope, { [key]: { key: itemKey, value: item } })),
  );
}

/** Blocks come from the parser as lists of objects with nothing else among them. */
const isBlockList = (node: Node): node is ListNode =>
  node.kind === "list" && node.items.length > 0 && node.items.every(({ kind }) => kind === "object");

function followDependencies(references: References, body: ObjectNode): void {
  const dependsOn = argumentOf(body, "depends_on");
  if (dependsOn?.kind === "list") for (const item of dependsOn.items) references.value(item);
}

function demand(node: Node | undefined): Node {
  if (node === undefined) throw new Error("An argument is missing.");
  return node;
}

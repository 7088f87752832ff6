import type { Configuration } from "./configuration.ts";
import type { Node } from "./expression.ts";
import { compileAll } from "./references.ts";

/**
 * What has to be there before each resource, directly or through what it refers to: addresses without keys,
 * as Terraform orders its work. Locals and outputs have entries too.
 */
export async function dependenciesOf(
  configuration: Configuration,
): Promise<Map<string, ReadonlySet<string>>> {
  const compiled = await compileAll(configuration);
  const direct = new Map([...compiled].map(([address, node]) => [address, referencesIn(node)]));
  const all = new Map<string, ReadonlySet<string>>();
  for (const address of direct.keys()) {
    const found = new Set<string>();
    const open = [...(direct.get(address) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(...(direct.get(next) ?? []));
    }
    all.set(address, found);
  }
  return all;
}

/** Addresses such as `local.region`, `google_pubsub_topic.this` and `data.google_project.this`. */
function referencesIn(node: Node): Set<string> {
  const found = new Set<string>();
  const visit = (at: Node): void => {
    const path = pathOf(at);
    if (path !== undefined) found.add(path.slice(0, path[0] === "data" ? 3 : 2).join("."));
    for (const inner of innerOf(at)) visit(inner);
  };
  visit(node);
  return found;
}

/** The names that lead from a root to here; undefined where it is not a root and names alone. */
function pathOf(node: Node): string[] | undefined {
  if (node.kind === "name") return [node.root];
  if (node.kind !== "step" || node.key.kind !== "literal") return undefined;
  const before = pathOf(node.of);
  return before === undefined ? undefined : [...before, String(node.key.value)];
}

function innerOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "literal":
    case "name":
      return [];
    case "template":
      return node.parts;
    case "step":
      return [node.of, node.key];
    case "splat":
      return [node.of, node.each];
    case "call":
    case "operation":
    case "conditional":
      return node.args;
    case "list":
      return node.items;
    case "object":
      return node.entries.flat();
    case "for":
      return [node.of, node.value, ...[node.key, node.condition].filter((each) => each !== undefined)];
  }
}

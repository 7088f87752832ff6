import type { FoundMessage, Left } from "../found.ts";

/** A node of a conversation that is kept as a tree, as most products keep them. */
export interface Node {
  readonly id: string;
  readonly parent: string | undefined;
  readonly sentMs: number | undefined;
  /** Absent: it is no message that anybody sees, and what follows it follows the one before it. */
  readonly message?: Omit<FoundMessage, "id" | "parent" | "sentMs"> | undefined;
  /** What the model thought before the next message of its own. */
  readonly thinking?: string | undefined;
}

export interface Ordered {
  readonly messages: readonly FoundMessage[];
  readonly tip: string | undefined;
  readonly left: readonly Left[];
}

/**
 * The messages of a tree in the order of their times, parents before their children. Nodes whose parent is
 * not there begin the conversation; of a circle one is taken for its beginning. Takes a time proportional to
 * n log n, whatever the shape.
 */
export function orderTree(nodes: readonly Node[], current: string | undefined, where: string): Ordered {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const { order, left } = walk(byId, where);
  const place = new Map(order.map(({ node }, index) => [node.id, index]));
  const timed = new Map<string, number>();
  for (const { node, parent } of order) {
    const before = parent === undefined ? 0 : (timed.get(parent) ?? 0);
    timed.set(node.id, Math.max(node.sentMs ?? before, before));
  }
  const sorted = order.toSorted(
    (a, b) =>
      (timed.get(a.node.id) ?? 0) - (timed.get(b.node.id) ?? 0) ||
      (place.get(a.node.id) ?? 0) - (place.get(b.node.id) ?? 0),
  );
  const shown = new Map<string, { readonly id: string | null; readonly thinking: string }>();
  const messages: FoundMessage[] = [];
  for (const { node, parent } of sorted) {
    const before = (parent === undefined ? undefined : shown.get(parent)) ?? { id: null, thinking: "" };
    if (node.message === undefined) {
      const thinking = [before.thinking, node.thinking ?? ""].filter(Boolean).join("\n\n");
      shown.set(node.id, { id: before.id, thinking });
      continue;
    }
    const isModels = "model" in node.message.author;
    const thinking = [isModels ? before.thinking : "", node.message.thinking ?? ""]
      .filter(Boolean)
      .join("\n\n");
    messages.push({
      ...node.message,
      id: node.id,
      parent: before.id,
      ...(thinking === "" ? {} : { thinking }),
      ...(node.sentMs === undefined ? {} : { sentMs: node.sentMs }),
    });
    shown.set(node.id, { id: node.id, thinking: "" });
  }
  const tip = (current === undefined ? undefined : shown.get(current)?.id) ?? messages.at(-1)?.id;
  return { messages, tip, left };
}

interface Step {
  readonly node: Node;
  readonly parent: string | undefined;
}

function walk(byId: ReadonlyMap<string, Node>, where: string): { order: Step[]; left: Left[] } {
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const { id, parent } of byId.values()) {
    if (parent === undefined || parent === id || !byId.has(parent)) roots.push(id);
    else if (children.get(parent)?.push(id) === undefined) children.set(parent, [id]);
  }
  const order: Step[] = [];
  const left: Left[] = [];
  const seen = new Set<string>();
  const visit = (root: string): void => {
    const stack: Step[] = [];
    const push = (id: string, parent: string | undefined): void => {
      const node = byId.get(id);
      if (node === undefined || seen.has(id)) return;
      seen.add(id);
      stack.push({ node, parent });
    };
    push(root, undefined);
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      order.push(step);
      for (const child of (children.get(step.node.id) ?? []).toReversed()) push(child, step.node.id);
    }
  };
  for (const root of roots) visit(root);
  for (const id of byId.keys()) {
    if (seen.has(id)) continue;
    left.push({ where, what: "message", why: "its messages name one another as parents in a circle" });
    visit(id);
  }
  return { order, left };
}

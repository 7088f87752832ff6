import type { Branch, Message } from "../chat/contract.ts";

/**
 * What is known of a chat's messages: a tree, as each says which it follows. Answers and events come in any
 * order; of two versions of a message the one with the higher revision stays, so no state is ever stepped
 * back to.
 */
export interface MessageTree {
  /** Takes messages in; answers with those that were unknown, and whether anything is new. */
  take(messages: readonly Message[]): { readonly fresh: readonly Message[]; readonly isChanged: boolean };
  takeBranches(branches: readonly Branch[]): void;
  get(number: number): Message | undefined;
  /** The highest number known. */
  readonly newest: number;
  readonly branches: readonly Branch[];
  /** The messages that lead to a branch's end, oldest first, as far as they are known without a gap. */
  path(branch: string): Path;
  /** The numbers of the replies of a thread, oldest first, as far as they are known. */
  threadOf(root: number): readonly number[];
  /** The numbers of the messages that follow the same one, as far as they are known. */
  siblingsOf(number: number): readonly number[];
  /** The branch whose next message after this one is not known, though it has one. */
  hiddenAfter(parent: number): string | undefined;
  /** The branch on which a message is that was continued last. */
  latestThrough(number: number): string | undefined;
}

export interface Path {
  readonly messages: readonly Message[];
  /** The message before the first, which is not known; undefined at the chat's beginning. */
  readonly before: number | undefined;
}

const MAIN = "main";
const ROOT = 0;

export function createMessageTree(): MessageTree {
  const messages = new Map<number, Message>();
  const children = new Map<number, Set<number>>();
  const ends = new Map<string, number>();
  const branches = new Map<string, Branch>();
  let newest = 0;
  let version = 0;
  let last: { readonly branch: string; readonly version: number; readonly path: Path } | undefined;

  const threads = new Map<number, Set<number>>();

  const place = ({ number, parent, branch, thread }: Message): void => {
    if (thread !== undefined) threads.set(thread, (threads.get(thread) ?? new Set()).add(number));
    const those = children.get(parent ?? ROOT) ?? new Set();
    children.set(parent ?? ROOT, those.add(number));
    ends.set(branch, Math.max(ends.get(branch) ?? 0, number));
    newest = Math.max(newest, number);
  };

  /** A branch is named after its first message, so that says all there is to say of it. */
  const note = (message: Message): void => {
    const { branch: id, number, parent, sender, createdAt } = message;
    const known = branches.get(id);
    if (known !== undefined) {
      if (number > known.lastNumber) branches.set(id, { ...known, lastNumber: number });
      return;
    }
    if (id !== `b${number}`) return;
    const from = parent === null ? null : (messages.get(parent)?.branch ?? MAIN);
    const createdBy = "id" in sender ? sender.id : sender.model;
    // What follows on it may have been told before.
    const lastNumber = ends.get(id) ?? number;
    branches.set(id, { id, parent: from, after: parent, lastNumber, active: false, createdBy, createdAt });
  };

  const beginningOf = ({ id }: Branch): number => (id === MAIN ? 1 : Number(id.slice(1)));

  /** Whether a branch's path leads through a message. */
  const leadsThrough = (
    branch: Branch,
    { number, branch: on }: Pick<Message, "number" | "branch">,
  ): boolean => {
    for (let at: Branch | undefined = branch; at !== undefined;) {
      if (at.id === on) return at.lastNumber >= number;
      const { parent, after }: Branch = at;
      if (parent === on) return (after ?? 0) >= number;
      at = parent === null ? undefined : branches.get(parent);
    }
    return false;
  };

  const pathOf = (branch: string): Path => {
    const found: Message[] = [];
    let at: number | null = ends.get(branch) ?? null;
    for (let message = messages.get(at ?? ROOT); message !== undefined; message = messages.get(at ?? ROOT)) {
      found.push(message);
      at = message.parent;
    }
    return { messages: found.reverse(), before: at ?? undefined };
  };

  return {
    get newest() {
      return newest;
    },
    get branches() {
      return [...branches.values()].sort((a, b) => beginningOf(a) - beginningOf(b));
    },
    get: (number) => messages.get(number),
    take(more) {
      const fresh: Message[] = [];
      let isChanged = false;
      for (const message of more) {
        const known = messages.get(message.number);
        if (known !== undefined && known.revision >= message.revision) continue;
        messages.set(message.number, message);
        isChanged = true;
        if (known !== undefined) continue;
        fresh.push(message);
        place(message);
        note(message);
      }
      if (isChanged) version += 1;
      return { fresh, isChanged };
    },
    takeBranches(more) {
      for (const branch of more) {
        const lastNumber = Math.max(branch.lastNumber, ends.get(branch.id) ?? 0);
        branches.set(branch.id, { ...branch, lastNumber });
      }
    },
    path(branch) {
      if (last?.branch !== branch || last.version !== version)
        last = { branch, version, path: pathOf(branch) };
      return last.path;
    },
    threadOf: (root) => [...(threads.get(root) ?? [])].sort((a, b) => a - b),
    siblingsOf(number) {
      const parent = messages.get(number)?.parent ?? ROOT;
      const begun = [...branches.values()].filter(
        ({ id, after }) => id !== MAIN && (after ?? ROOT) === parent,
      );
      const numbers = new Set([number, ...(children.get(parent) ?? []), ...begun.map(beginningOf)]);
      if (parent === ROOT) numbers.add(1);
      return [...numbers].sort((a, b) => a - b);
    },
    hiddenAfter(parent) {
      const on = messages.get(parent)?.branch;
      const branch = on === undefined ? undefined : branches.get(on);
      if (branch === undefined || branch.lastNumber <= parent) return undefined;
      const isKnown = [...(children.get(parent) ?? [])].some((number) => messages.get(number)?.branch === on);
      return isKnown ? undefined : on;
    },
    latestThrough(number) {
      // A begun branch whose first message is not known here is still known by its name.
      const target = messages.get(number) ?? { number, branch: number === 1 ? MAIN : `b${number}` };
      let best: Branch | undefined;
      for (const branch of branches.values()) {
        if (!leadsThrough(branch, target)) continue;
        if (best === undefined || branch.lastNumber > best.lastNumber) best = branch;
      }
      return best?.id;
    },
  };
}

import type { ChatHandle } from "../chat-handle.ts";
import { decodeEntries, type Entry, TAIL_MESSAGES_MAX } from "./block.ts";
import type { Newest } from "./read-blocks.ts";

/** Of the tails that an instance remembers, encoded; in memory they take a few times as much. */
export const RECENT_BYTES_MAX = 4 * 1024 * 1024;
/** Of sealed blocks, as they are stored: bytes, which cost the garbage collector nothing. */
export const SEALED_BYTES_MAX = 32 * 1024 * 1024;
/** Of sealed blocks that are taken apart, encoded; in memory they take a few times as much. */
export const APART_BYTES_MAX = 4 * 1024 * 1024;
/** A block that is asked for so often stays taken apart: most are looked at once and not again for long. */
export const USES_MIN = 3;

/**
 * What is newest in the chats that were opened last at this instance, and the sealed blocks read last. What
 * is newest is behind when somebody else has moved the head, which whoever uses it has to have read.
 */
export interface RecentBlocks {
  get(chat: ChatHandle): Newest | undefined;
  keep(chat: ChatHandle, newest: Newest): void;
  forget(chat: ChatHandle): void;
  /** Whether a block is remembered, and no message in it has changed since, as the tail knows. */
  hasSealed(chat: ChatHandle, block: number, newest: Newest): boolean;
  /** Undefined where `hasSealed` says no. */
  getSealed(chat: ChatHandle, block: number, newest: Newest): readonly Entry[] | undefined;
  /** A block that was read after the tail or with it: it holds every change up to the tail's revision. */
  keepSealed(chat: ChatHandle, block: number, newest: Newest, messages: Uint8Array): void;
}

interface Sealed {
  /** Of the tail that it was read after. */
  readonly since: number;
  readonly messages: Uint8Array;
  readonly bytes: number;
  uses: number;
}

interface Apart {
  readonly of: Sealed;
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

/** How much may be remembered; by default the constants above. */
export interface RecentBytes {
  readonly tails?: number;
  readonly sealed?: number;
  readonly apart?: number;
}

export function createRecentBlocks({
  tails = RECENT_BYTES_MAX,
  sealed: sealedMax = SEALED_BYTES_MAX,
  apart: apartMax = APART_BYTES_MAX,
}: RecentBytes = {}): RecentBlocks {
  const chats = createMemory<Newest>(tails);
  const sealed = createMemory<Sealed>(sealedMax);
  const apart = createMemory<Apart>(apartMax);
  const nameOf = ({ ref }: ChatHandle, block: number): string => `${ref.path}/${block}`;
  const validOf = (name: string, { sealedRevision }: Newest): Sealed | undefined => {
    const known = sealed.get(name);
    return known === undefined || known.since < sealedRevision ? undefined : known;
  };
  return {
    get: ({ ref }) => chats.get(ref.path),
    keep({ ref: { path } }, newest) {
      const known = chats.get(path);
      if (known !== undefined && known.revision > newest.revision) return;
      // So long without a look at the tail: it has been sealed meanwhile, and is to be read again.
      if (newest.entries.length + newest.old.length > 2 * TAIL_MESSAGES_MAX) chats.forget(path);
      else chats.keep(path, newest);
    },
    forget: ({ ref }) => chats.forget(ref.path),
    hasSealed: (chat, block, newest) => validOf(nameOf(chat, block), newest) !== undefined,
    getSealed(chat, block, newest) {
      const name = nameOf(chat, block);
      const known = validOf(name, newest);
      if (known === undefined) return undefined;
      const taken = apart.get(name);
      if (taken?.of === known) return taken.entries;
      const entries = decodeEntries(known.messages);
      known.uses += 1;
      if (known.uses >= USES_MIN) {
        known.uses = 0;
        apart.keep(name, { of: known, entries, bytes: known.bytes });
      }
      return entries;
    },
    keepSealed(chat, block, { tailRevision: since }, messages) {
      const { byteLength: bytes } = messages;
      // A copy: these bytes are part of a larger answer.
      sealed.keep(nameOf(chat, block), { since, messages: Buffer.from(messages), bytes, uses: 0 });
    },
  };
}

interface Memory<T> {
  get(name: string): T | undefined;
  keep(name: string, value: T): void;
  forget(name: string): void;
}

/** Forgets what has not been asked for the longest when there are too many bytes. */
function createMemory<T extends { readonly bytes: number }>(bytesMax: number): Memory<T> {
  const values = new Map<string, T>();
  let bytes = 0;
  const forget = (name: string): void => {
    bytes -= values.get(name)?.bytes ?? 0;
    values.delete(name);
  };
  return {
    get(name) {
      const value = values.get(name);
      if (value === undefined) return undefined;
      values.delete(name);
      values.set(name, value);
      return value;
    },
    keep(name, value) {
      forget(name);
      values.set(name, value);
      bytes += value.bytes;
      for (const oldest of values.keys()) {
        if (bytes <= bytesMax) return;
        forget(oldest);
      }
    },
    forget,
  };
}

import { Timestamp } from "../../platform/firestore-values.ts";
import type { Row } from "../branches/read-path.ts";
import { messageView, type StoredMessage } from "../log/message.ts";

/**
 * Messages are written one by one and read in blocks: copies of many in one document, each in its stored
 * form, so that a page costs a read or two in place of one for each message. Sealed block `k` holds the
 * numbers up to `k × BLOCK_MESSAGES`, whatever branches they are on; the tail, in the document that says how
 * far the background has come, holds what is newer.
 */
export const BLOCK_MESSAGES = 64;
/** The tail keeps at least so many, if there are: a page of the default size comes from it alone. */
export const TAIL_MESSAGES_MIN = 50;
/** The tail holds fewer messages than this. */
export const TAIL_MESSAGES_MAX = BLOCK_MESSAGES + TAIL_MESSAGES_MIN;
/** Of the messages in a block or in the tail, encoded. The largest are left out until the others fit. */
export const BLOCK_BYTES_MAX = 192 * 1024;

/**
 * A message in a block. What is asked of many stands beside the message, which is decoded when it is shown.
 */
export interface Entry {
  readonly number: number;
  readonly revision: number;
  readonly branch: string;
  readonly id: string;
  /** The rest of the message, as JSON; empty for one that has to be read by itself. */
  readonly rest: string;
  /** The message, once it has been asked for: an instance shows what it remembers again and again. */
  row?: Row;
}

/**
 * A message as a block holds it. An answer under way is read by itself, since attempts at it are noted in its
 * document without a revision.
 */
export function entryOf({ id, stored }: { readonly id: string; readonly stored: StoredMessage }): Entry {
  const { number, revision, branch, ...rest } = stored;
  const isUnderWay = stored.status === "queued" || stored.status === "streaming";
  return { number, revision, branch, id, rest: isUnderWay ? "" : JSON.stringify(encodeTimes(rest)) };
}

/** The message of an entry that holds it, decoded and shown when it is looked at, and then kept. */
export function rowOf(entry: Entry): Row {
  entry.row ??= toRow(entry);
  return entry.row;
}

function toRow(entry: Entry): Row {
  const { id } = entry;
  let stored: StoredMessage | undefined;
  let json: string | undefined;
  return {
    id,
    get stored() {
      stored ??= decodeMessage(entry);
      return stored;
    },
    get json() {
      json ??= JSON.stringify(messageView(id, stored ?? decodeMessage(entry)));
      return json;
    },
  };
}

function decodeMessage({ number, revision, branch, rest }: Entry): StoredMessage {
  const stored = JSON.parse(rest) as Record<string, unknown>;
  reviveTimes(stored);
  return Object.assign(stored, { number, revision, branch }) as unknown as StoredMessage;
}

/** The block that holds a message, from 1 on. */
export const blockOf = (number: number): number => Math.ceil(number / BLOCK_MESSAGES);

/** How many blocks are sealed in a chat whose last message has this number. */
export const sealedAt = (lastNumber: number): number =>
  Math.max(0, Math.floor((lastNumber - TAIL_MESSAGES_MIN) / BLOCK_MESSAGES));

/** In the order of their numbers; of two states of one message the later stays. */
export function mergeEntries(entries: readonly Entry[], changed: readonly Entry[]): readonly Entry[] {
  if (changed.length === 0) return entries;
  const byNumber = new Map(entries.map((entry) => [entry.number, entry]));
  for (const entry of changed) {
    const known = byNumber.get(entry.number);
    if (known === undefined || known.revision <= entry.revision) byNumber.set(entry.number, entry);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/**
 * Entries as one value of at most BLOCK_BYTES_MAX, a line each: the largest messages are left to be read by
 * themselves.
 */
export function encodeEntries(entries: readonly Entry[]): Buffer {
  const lines = entries.map(lineOf);
  const whole = Buffer.from(lines.join("\n"));
  if (whole.byteLength <= BLOCK_BYTES_MAX) return whole;
  let bytes = whole.byteLength;
  const largest = entries
    .map((entry, index) => ({ entry, index, bytes: Buffer.byteLength(entry.rest) }))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { entry, index, bytes: saved } of largest) {
    if (bytes <= BLOCK_BYTES_MAX) break;
    lines[index] = lineOf({ ...entry, rest: "" });
    bytes -= saved;
  }
  return Buffer.from(lines.join("\n"));
}

/** JSON has no line breaks of its own, and the rest no spaces. */
const lineOf = ({ number, revision, branch, id, rest }: Entry): string =>
  `${number} ${revision} ${branch} ${id} ${rest}`;

export function decodeEntries(encoded: Uint8Array): Entry[] {
  if (encoded.byteLength === 0) return [];
  const text = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString();
  const entries: Entry[] = [];
  for (let number = 0, end = 0; end < text.length; number = end + 1) {
    const revision = text.indexOf(" ", number) + 1;
    const branch = text.indexOf(" ", revision) + 1;
    const id = text.indexOf(" ", branch) + 1;
    const rest = text.indexOf(" ", id) + 1;
    const lineEnd = text.indexOf("\n", rest);
    end = lineEnd === -1 ? text.length : lineEnd;
    entries.push({
      number: Number(text.slice(number, revision - 1)),
      revision: Number(text.slice(revision, branch - 1)),
      branch: text.slice(branch, id - 1),
      id: text.slice(id, rest - 1),
      rest: text.slice(rest, end),
    });
  }
  return entries;
}

/** How a time stands in JSON. No other value of a message is an object with a list under this name. */
interface EncodedTime {
  readonly $time: readonly [seconds: number, nanoseconds: number];
}

function encodeTimes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Timestamp) return { $time: [value.seconds, value.nanoseconds] } satisfies EncodedTime;
  if (Array.isArray(value)) return value.map(encodeTimes);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, encodeTimes(member)]));
}

const isEncodedTime = (value: object): value is EncodedTime => "$time" in value && Array.isArray(value.$time);

/** In place: a page has some hundred times, and copying what they stand in takes longer than parsing it. */
function reviveTimes(within: Record<string, unknown>): void {
  for (const key of Object.keys(within)) {
    const value = within[key];
    if (typeof value !== "object" || value === null) continue;
    if (isEncodedTime(value)) within[key] = new Timestamp(...value.$time);
    else reviveTimes(value as Record<string, unknown>);
  }
}

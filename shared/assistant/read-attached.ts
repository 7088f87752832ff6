import { buffer } from "node:stream/consumers";
import type { StoredMessage } from "../chat/log/message.ts";
import { pictureForModels, textObject } from "../files/readable.ts";
import { isThere, readFiles, type StoredFile } from "../files/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Room } from "../platform/models/compose-turns.ts";
import type { Attached } from "../platform/models/contract.ts";
import { estimateTokens } from "../platform/models/estimate-tokens.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/** The newest files of a conversation; of older ones a model knows the names. */
export const FILES_READ_MAX = 20;
/** Of one file's text no more is read. */
export const TEXT_BYTES_MAX = 400_000;
/** Of the room for a conversation, what the texts of its files may take together. */
const TEXT_SHARE = 0.5;
/** So long after it was asked a question waits for its files to be checked. */
export const FILES_WAIT_MS = 120_000;
/** So much of that here; then a task goes on with it. */
const WAIT_HERE_MS = 8_000;
const LOOK_MS = 200;

/** A file as it stands in a turn, and what is counted as given. */
export interface GivenFile {
  readonly text?: string;
  readonly attached: Attached;
}
export type GivenFiles = ReadonlyMap<string, GivenFile>;
const NONE: GivenFiles = new Map();

type AttachedDeps = Pick<Deps, "firestore" | "bucket" | "clock" | "log">;

/**
 * What models are given of the files of a conversation, whose messages come newest first: pictures of images,
 * which are loaded when a model is called, and texts, as far as they fit into their share of the room. What
 * can't be read is left out. 1 read for each file, and 1 call to the bucket for each text.
 */
export async function readAttached(
  deps: AttachedDeps,
  app: App,
  messages: readonly StoredMessage[],
  room: Room,
): Promise<GivenFiles> {
  const ids = [...new Set(messages.flatMap(({ body, status }) => (status === "deleted" ? [] : idsIn(body))))];
  if (ids.length === 0) return NONE;
  const found = await readFiles(deps.firestore, app, ids.slice(0, FILES_READ_MAX));
  const given = new Map<string, GivenFile>();
  let tokensLeft = Math.floor((room.windowTokens - room.outputTokens) * TEXT_SHARE);
  for (const { id, stored } of found) {
    if (!isThere(stored)) continue;
    const picture = pictureOf(deps, app, id, stored);
    if (picture !== undefined) given.set(id, { attached: picture });
    if (picture !== undefined || tokensLeft <= 0) continue;
    const text = await textOf(deps, app, { id, stored, tokensMax: tokensLeft });
    if (text === undefined) continue;
    tokensLeft -= estimateTokens(text.text ?? "");
    given.set(id, text);
  }
  return given;
}

const idsIn = ({ files = [] }: StoredMessage["body"]): string[] => files.map(({ id }) => id);

function pictureOf(deps: AttachedDeps, app: App, id: string, stored: StoredFile): Attached | undefined {
  const picture = pictureForModels(app, id, stored);
  if (picture === undefined) return undefined;
  const { object, width, height } = picture;
  return {
    file: id,
    as: "image",
    width,
    height,
    type: "image/jpeg",
    read: () => readObject(deps, object),
  };
}

async function textOf(
  deps: AttachedDeps,
  app: App,
  { id, stored, tokensMax }: { readonly id: string; readonly stored: StoredFile; readonly tokensMax: number },
): Promise<GivenFile | undefined> {
  const object = textObject(app, id, stored);
  const bytes = object === undefined ? undefined : await readObject(deps, object, TEXT_BYTES_MAX);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const whole = decoded(bytes);
  const text = beginning(whole, tokensMax);
  const isCut = text.length < whole.length || bytes.length === TEXT_BYTES_MAX || stored.isTextCut === true;
  const { name } = stored;
  const end = isCut ? `[${name} goes on; only its beginning is given.]` : `[End of ${name}]`;
  return {
    text: `${text}\n${end}`,
    attached: { file: id, as: "text", ...(isCut ? { cut: true as const } : {}) },
  };
}

/** Undefined where it can't be read: the answer is worth more without it than never. */
async function readObject(
  { bucket, log }: AttachedDeps,
  object: string,
  bytesMax?: number,
): Promise<Uint8Array | undefined> {
  try {
    const range = bytesMax === undefined ? {} : { start: 0, end: bytesMax - 1 };
    return await within(READ_MS_MAX, bucket.read(object, range).then(buffer));
  } catch (cause) {
    log.error("A file could not be given to a model.", cause);
    return undefined;
  }
}

function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = isWide ? (first === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  return new TextDecoder(encoding).decode(bytes, { stream: true });
}

/** As much of a text as takes about so many tokens. Pure. */
function beginning(text: string, tokensMax: number): string {
  let cut = text;
  for (;;) {
    const tokens = estimateTokens(cut);
    if (tokens <= tokensMax) return cut;
    cut = cut.slice(0, Math.floor(cut.length * Math.min(0.9, tokensMax / tokens))).toWellFormed();
  }
}

/**
 * Waits until the files of a question have been checked, which takes seconds; for FILES_WAIT_MS after it was
 * asked, and then no longer. 1 read for each that is open, at each look.
 * @throws AppError `unavailable` while it is still worth waiting: a task is to go on
 */
export async function awaitFiles(
  { firestore, clock }: AttachedDeps,
  app: App,
  { body, createdAt }: StoredMessage,
): Promise<void> {
  let open = (body.files ?? []).filter(({ status }) => isOpen(status)).map(({ id }) => id);
  const endsMs = performance.now() + WAIT_HERE_MS;
  for (let lookMs = 0; open.length > 0; lookMs += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(lookMs, 1_000)));
    const found = await readFiles(firestore, app, open);
    open = found.filter(({ stored }) => stored !== undefined && isOpen(stored.status)).map(({ id }) => id);
    if (open.length === 0 || clock.now() - createdAt.toMillis() > FILES_WAIT_MS) return;
    if (performance.now() > endsMs)
      throw new AppError("unavailable", "The files of the question are still being checked.", {
        retryAfterSeconds: 2,
      });
  }
}

const isOpen = (status: StoredFile["status"]): boolean => status === "pending" || status === "checking";

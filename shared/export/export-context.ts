import { chatView, type ChatHead } from "../chat/log/head.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { type OwnStates, readOwnStates } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { readOpenApp } from "../identity/manage-app.ts";
import { holds } from "../identity/permissions.ts";
import type { Principal } from "../identity/principal.ts";
import { type AppHead, readDocument, readUsers, storedUser, userRef } from "../identity/store.ts";
import { AppError } from "../platform/errors.ts";
import type { ExportedName, ExportScope } from "./contract.ts";
import { type ExportObjects, exportObjects } from "./archive/object-names.ts";
import type { Manner } from "./html/page.ts";

export type ExportDeps = ChatDeps;

/** The job that an export is. */
export interface ExportJob {
  readonly app: App;
  readonly id: string;
  /** Who has asked for it and whom it is for, with the rights that they have now. */
  readonly by: Principal;
  readonly scope: ExportScope;
  readonly begunMs: number;
}

/** What one step of an export works with; what it remembers of people ends with the step. */
export interface ExportContext extends ExportJob {
  readonly deps: ExportDeps;
  readonly objects: ExportObjects;
  /** The reader's id and name. */
  readonly person: string;
  readonly name: string;
  readonly appHead: AppHead;
  readonly manner: Manner;
  /** Undefined for whole apps: nothing in them is the reader's own. */
  readonly own: () => Promise<OwnStates | undefined>;
  /** What a stage remembers until the step is over. */
  readonly memory: Memory;
  /** How people are called. A read for each that the step has not met. */
  readonly namesOf: (ids: Iterable<string>) => Promise<Names>;
}

/** A file of a page, in the order in which they are written. */
export interface HeldFile {
  readonly message: number;
  readonly index: number;
  readonly id: string;
  readonly path: string;
}

export interface Memory {
  /** The files of the page of messages that was written last. */
  files?: { readonly chat: number; readonly from: number; readonly files: readonly HeldFile[] };
}

export interface Names {
  readonly list: ExportedName[];
  readonly of: (id: string) => string;
}

/** Of whom there is no account any more. */
const NOBODY = "Somebody who has left";
/** People whom a step remembers: their names take less than 1 MiB. */
const NAMES_MAX = 5_000;

/**
 * Prepares a step: whoever has asked for the export may still have it. 2 reads.
 * @throws AppError `conflict` when not; that ends the export
 */
export async function openExport(deps: ExportDeps, job: ExportJob): Promise<ExportContext> {
  const { app, by, scope } = job;
  if (!holds(by, scope === "app" ? "app:export" : "me:read")) throw ended();
  const [{ data: user }, appHead] = await Promise.all([
    readDocument(userRef(app, by.id), storedUser),
    readOpenApp(app),
  ]);
  const known = new Map<string, string>();
  let own: Promise<OwnStates> | undefined;
  return {
    ...job,
    deps,
    objects: exportObjects(app, job.id),
    person: by.id,
    name: user?.name ?? by.id,
    appHead,
    memory: {},
    manner: { language: user?.language ?? "en", timeZone: user?.timeZone ?? "Etc/UTC" },
    async own() {
      if (scope === "app") return undefined;
      own ??= readOwnStates(app, by.id);
      return own;
    },
    async namesOf(ids) {
      const wanted = [...new Set(ids)];
      if (known.size > NAMES_MAX) known.clear();
      const unknown = wanted.filter((id) => !known.has(id));
      for (const { id, stored } of await readUsers(deps.firestore, app, unknown)) known.set(id, stored.name);
      const of = (id: string): string => known.get(id) ?? NOBODY;
      return { list: wanted.flatMap((id) => (known.has(id) ? { id, name: of(id) } : [])), of };
    },
  };
}

const ended = (): AppError =>
  new AppError("conflict", "Whoever has begun the export may not have it any more.");

/** Whether the export holds the chat, as it stands now: it is open, and of a person they are in it. */
export const mayHold = ({ scope, by }: ExportJob, head: ChatHead | undefined): head is ChatHead =>
  head?.status === "open" && (scope === "app" || head.members.includes(by.id));

/** Whose sight of the past counts; nobody's in an export of the app. */
export const sightOf = ({ scope, by }: ExportJob): string => (scope === "app" ? "" : by.id);

/** What a chat is called, also where it has no title. */
export async function titleOf(context: ExportContext, head: ChatHead): Promise<string> {
  if (head.title !== "") return head.title;
  if (head.kind !== "direct") return `Chat ${head.number}`;
  const others = head.members.filter((member) => context.scope === "app" || member !== context.person);
  const names = await context.namesOf(others);
  return others.map(names.of).join(", ") || `Chat ${head.number}`;
}

/** A chat as the reader has it, or as whoever is not in it would. */
export async function viewOf(context: ExportContext, head: ChatHead): Promise<ReturnType<typeof chatView>> {
  const own = (await context.own())?.of(head.number) ?? { read: 0 };
  return chatView(head, sightOf(context), own);
}

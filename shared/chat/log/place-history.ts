import type { DocumentReference } from "../../platform/firestore.ts";
import type { Timestamp } from "../../platform/firestore-values.ts";
import type { Decision } from "../../platform/head-change.ts";
import {
  type BranchRange,
  type ForkPoint,
  LINEAGE_MAX,
  mainBranch,
  type StoredBranch,
} from "../branches/branch.ts";
import type { ChatHandle } from "../chat-handle.ts";
import { LATEST_CHARS_MAX } from "../contract.ts";
import { branchesOf, messagesOf } from "../store.ts";
import { type Author, type Body, encodeBody, lineOf } from "./body.ts";
import { later, latestAtOf, timesAfter } from "./crowd-times.ts";
import { type ChatHead, excerpt, MAIN_BRANCH } from "./head.ts";
import type { StoredMessage } from "./message.ts";
import { type Silent, SILENT_RUNS_MAX } from "./silent.ts";

/** A message that was written elsewhere. */
export interface HistoryMessage {
  /** Of its document: the same message always has the same. */
  readonly id: string;
  /** The document of the message before it; null at the beginning, undefined: the last that was brought. */
  readonly parent?: string | null | undefined;
  readonly sender: Author;
  readonly role: "user" | "assistant" | "system" | "tool";
  readonly body: Body;
  /** When it was written, as far as that is known. */
  readonly sentAt?: Timestamp | undefined;
  /** The same, or what comes nearest. */
  readonly createdAt: Timestamp;
}

/** Where a message stands that has been brought. */
export interface Place {
  readonly number: number;
  readonly branch: string;
  readonly broughtBy?: string | undefined;
}

/** What a chat holds already of what is brought to it. */
export interface Standing {
  readonly places: ReadonlyMap<string, Place>;
  /** Those of the chat where it has several. */
  readonly branches: readonly Pick<StoredBranch, "id" | "lineage" | "after" | "lastNumber">[];
}

export interface Placed {
  readonly decision: Omit<Decision<ChatHead, unknown>, "result">;
  /** Of the messages that are new. */
  readonly places: ReadonlyMap<string, Place>;
  /** Those of the chat afterwards. */
  readonly branches: Standing["branches"];
}

interface Line {
  readonly lineage: readonly BranchRange[];
  readonly after: number;
  last: number;
}

/**
 * Numbers messages that come from elsewhere, parents before their children, and makes branches where one has
 * several. They are unread to nobody, and counted and told to nobody. Pure.
 */
export function placeHistory(
  chat: ChatHandle,
  head: ChatHead,
  messages: readonly HistoryMessage[],
  {
    standing,
    tip,
    broughtBy,
    at,
  }: {
    readonly standing: Standing;
    /** The document of the message at which the chat is to go on, if it is among these. */
    readonly tip?: string | undefined;
    /** Names what brings them, to be found at each. */
    readonly broughtBy: string;
    readonly at: Timestamp;
  },
): Placed {
  const isBranched = head.kind === "assistant" || head.model !== null;
  const lines = linesOf(head, standing.branches);
  const before = new Map([...lines].map(([id, { last }]) => [id, last]));
  const places = new Map<string, Place>();
  const placeOf = (id: string): Place | undefined => places.get(id) ?? standing.places.get(id);
  const create: { ref: DocumentReference; data: object }[] = [];
  let bytes = 0;
  let number = head.lastNumber;
  let previous: Place | undefined;
  for (const message of messages) {
    if (placeOf(message.id) !== undefined) {
      previous = placeOf(message.id);
      continue;
    }
    number += 1;
    const parent = isBranched ? parentOf(message, { placeOf, previous, head }) : endOf(head, lines);
    const branch = branchAt(lines, parent, number);
    const stored = storedOf(message, { number, revision: head.revision + places.size + 1, branch, parent });
    create.push({ ref: messagesOf(chat).doc(message.id), data: { ...stored, broughtBy } });
    bytes += 400 + stored.body.text.length * 2 + (stored.body.thinking?.text.length ?? 0) * 2;
    previous = { number, branch, broughtBy };
    places.set(message.id, previous);
    const line = lines.get(branch);
    if (line !== undefined) line.last = number;
  }
  if (places.size === 0) {
    return { decision: { head, create: [], bytes: 0 }, places, branches: standing.branches };
  }
  const turned = tip === undefined ? undefined : places.get(tip)?.branch;
  const active = turned ?? head.activeBranch;
  const end = lines.get(active)?.last ?? number;
  const last = messages.findLast(({ id }) => places.get(id)?.number === end);
  const latestAt = messages.reduce((latest, { createdAt }) => later(latest, createdAt), latestAtOf(head));
  const revision = head.revision + places.size + 1;
  const next: ChatHead = {
    ...head,
    ...timesAfter(head, latestAt, { isCrowd: head.isCrowd, brings: true }),
    movedAt: later(head.movedAt ?? head.updatedAt, at),
    // That so much has come is a change of the chat, so that whoever follows it hears of it.
    revision,
    settingsRevision: revision,
    settingsAt: at,
    lastNumber: number,
    latest: last === undefined ? head.latest : latestOf(last, end),
    silent: withRun(head.silent, head.lastNumber + 1, number),
    activeBranch: active,
    tip: end,
    branchesCount: head.branchesCount + lines.size - before.size,
  };
  const branches = branchWrites(chat, next, { lines, before, wasAlone: head.branchesCount === 1, at });
  return {
    decision: { head: next, create: [...create, ...branches.create], update: branches.update, bytes },
    places,
    branches: [...lines].map(([id, { last: lastNumber, ...line }]) => ({ id, lastNumber, ...line })),
  };
}

/** The branches that there are, with their ends. */
function linesOf(head: ChatHead, branches: Standing["branches"]): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const { id, lineage, after, lastNumber } of branches) {
    lines.set(id, { lineage, after, last: id === head.activeBranch ? head.tip : lastNumber });
  }
  if (lines.size === 0) lines.set(head.activeBranch, { lineage: [], after: 0, last: head.tip });
  return lines;
}

const endOf = ({ activeBranch, tip }: ChatHead, lines: ReadonlyMap<string, Line>): Place => ({
  branch: activeBranch,
  number: lines.get(activeBranch)?.last ?? tip,
});

/** The message that one follows; undefined at the chat's beginning. */
function parentOf(
  { parent }: HistoryMessage,
  {
    placeOf,
    previous,
    head,
  }: {
    readonly placeOf: (id: string) => Place | undefined;
    readonly previous: Place | undefined;
    readonly head: ChatHead;
  },
): Place | undefined {
  if (parent === null) return undefined;
  const named = parent === undefined ? undefined : placeOf(parent);
  return named ?? previous ?? (head.tip === 0 ? undefined : { number: head.tip, branch: head.activeBranch });
}

/** The branch of a message after another: that one's, or a new one where that one goes on already. */
function branchAt(lines: Map<string, Line>, parent: Place | undefined, number: number): string {
  const main = lines.get(MAIN_BRANCH);
  if (parent === undefined && main?.last === 0) return MAIN_BRANCH;
  const line = parent && lines.get(parent.branch);
  if (line !== undefined && line.last === parent?.number) return parent.branch;
  const { after, lineage } = forkPointAt(line, parent);
  // Too many turns to be a branch of its own: it follows where its own way ends.
  if (lineage.length > LINEAGE_MAX) return parent?.branch ?? MAIN_BRANCH;
  const id = `b${number}`;
  lines.set(id, { lineage, after, last: number });
  return id;
}

const forkPointAt = (line: Line | undefined, parent: Place | undefined): ForkPoint =>
  parent === undefined
    ? { after: 0, lineage: [] }
    : {
        after: parent.number,
        lineage: [...(line?.lineage ?? []), { branch: parent.branch, through: parent.number }],
      };

function storedOf(
  { sender, role, body, sentAt, createdAt, id }: HistoryMessage,
  {
    number,
    revision,
    branch,
    parent,
  }: {
    readonly number: number;
    readonly revision: number;
    readonly branch: string;
    readonly parent: Place | undefined;
  },
): StoredMessage {
  return {
    number,
    revision,
    createdRevision: revision,
    branch,
    parent: parent === undefined || parent.number === 0 ? null : parent.number,
    sender,
    role,
    body: encodeBody(body) as StoredMessage["body"],
    status: "complete",
    silent: true,
    isCopy: true,
    ...(sentAt === undefined ? {} : { sentAt }),
    fingerprint: id,
    createdAt,
  };
}

const latestOf = (
  { sender, body, createdAt }: HistoryMessage,
  number: number,
): NonNullable<ChatHead["latest"]> => ({
  number,
  sender,
  text: excerpt(lineOf(body), LATEST_CHARS_MAX),
  createdAt,
});

/** With a run of numbers that are higher than all in it. */
function withRun(silent: Silent = [], first: number, last: number): Silent {
  const joins = silent.length > 0 && silent.at(-1) === first - 1;
  const next = joins ? [...silent.slice(0, -1), last] : [...silent, first, last];
  return next.length > 2 * SILENT_RUNS_MAX ? next.slice(2) : next;
}

/** A chat of one branch has none stored; of several each is, with its end. */
function branchWrites(
  chat: ChatHandle,
  head: ChatHead,
  {
    lines,
    before,
    wasAlone,
    at,
  }: {
    readonly lines: ReadonlyMap<string, Line>;
    readonly before: ReadonlyMap<string, number>;
    readonly wasAlone: boolean;
    readonly at: Timestamp;
  },
): Required<Pick<Placed["decision"], "create" | "update">> {
  if (head.branchesCount === 1) return { create: [], update: [] };
  const refOf = (id: string): DocumentReference => branchesOf(chat).doc(id);
  const create: { ref: DocumentReference; data: object }[] = [];
  const update: { ref: DocumentReference; fields: [string, unknown][] }[] = [];
  for (const [id, { last, lineage, after }] of lines) {
    if (before.has(id) && !wasAlone) {
      if (before.get(id) !== last) update.push({ ref: refOf(id), fields: [["lastNumber", last]] });
    } else if (id === MAIN_BRANCH) {
      create.push({ ref: refOf(id), data: { ...mainBranch(head), lastNumber: last } });
    } else {
      const number = Number(id.slice(1));
      const data = { id, number, after, lineage, lastNumber: last, createdBy: head.createdBy, createdAt: at };
      create.push({ ref: refOf(id), data: data satisfies StoredBranch });
    }
  }
  return { create, update };
}

import type { DuplexCall, Message } from "../kernel/rpc.ts";
import { StatusError, statusNumber } from "../kernel/status-error.ts";
import { LISTEN_BACKLOG_BYTES_MAX, LISTEN_BACKLOG_MAX, LISTEN_TARGETS_MAX } from "./limits.ts";
import type { ListenHub } from "./listen.ts";
import { existenceFilter, type Notice, noticeMessage, targetChange } from "./listen-messages.ts";
import { parseDatabase, parseDocumentName, parseParent } from "./path.ts";
import { parseQuery } from "./query.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./collection-rows.ts";
import { type Micros, microsOf } from "./time.ts";
import { DocumentsView, LimitedView, QueryView, type View } from "./views.ts";

/** A target of one stream. */
export interface Target {
  readonly stream: ListenStream;
  readonly id: number;
  readonly viewKey: string;
  /** The listener already knows the changes up to this time. */
  readonly since: Micros;
}

/** The initial messages of a target, sent at the reader's pace. */
interface Initial {
  readonly id: number;
  readonly at: Micros;
  readonly view: View;
  /** How many documents a client that resumes says it knows. */
  readonly expected: number | undefined;
  readonly once: boolean;
  readonly notices: Iterator<Notice>;
  next: IteratorResult<Notice>;
}

const TOKEN_BYTES = 16;
/** Messages that may stand before those still to be sent, until they are taken out together. */
const SENT_KEPT_MAX = 1_024;

/** One stream of a listener, with its targets. */
export class ListenStream {
  private readonly hub: ListenHub;
  private readonly call: DuplexCall;
  private readonly targets = new Map<number, Target>();
  private readonly initials = new Map<number, Initial>();
  private database: DatabaseRow | undefined;
  /** What is still to be sent, in order, from `position` on. */
  private outgoing: (Buffer | Initial)[] = [];
  private position = 0;
  private outgoingBytes = 0;
  private sending = false;
  private open = true;
  private nextOwnId = 1;

  constructor(hub: ListenHub, call: DuplexCall) {
    this.hub = hub;
    this.call = call;
    call.onMessage((request) => this.receive(request));
  }

  private receive(request: Message): void {
    const { state } = this.hub;
    if (request.database !== "" || this.database === undefined) {
      const row = state.store.databaseRow(parseDatabase(request.database));
      if (this.database !== undefined && this.database !== row) {
        throw new StatusError("INVALID_ARGUMENT", "A stream listens to one database only.");
      }
      this.database = row;
    }
    if (request.targetChange === "addTarget") this.add(request.addTarget, this.database);
    else if (request.targetChange === "removeTarget") this.remove(request.removeTarget);
    else throw new StatusError("INVALID_ARGUMENT", "A listen request must add or remove a target.");
  }

  private add(message: Message, database: DatabaseRow): void {
    const id: number = message.targetId === 0 ? this.ownId() : message.targetId;
    try {
      if (id < 0 || this.targets.has(id) || this.initials.has(id))
        throw new StatusError("INVALID_ARGUMENT", `Target id ${id} is in use.`);
      if (this.targets.size >= LISTEN_TARGETS_MAX) {
        throw new StatusError("RESOURCE_EXHAUSTED", `A stream has at most ${LISTEN_TARGETS_MAX} targets.`);
      }
      this.start(id, message, database);
    } catch (cause) {
      if (!(cause instanceof StatusError)) throw cause;
      this.targets.delete(id);
      const status = { code: statusNumber(cause.code), message: cause.message };
      this.send(targetChange({ type: "REMOVE", targetIds: [id], cause: status }));
    }
  }

  private ownId(): number {
    while (this.targets.has(this.nextOwnId) || this.initials.has(this.nextOwnId)) this.nextOwnId += 1;
    return this.nextOwnId;
  }

  private start(id: number, message: Message, database: DatabaseRow): void {
    const { hub } = this;
    const [viewKey, make] = viewOf(hub.state, database, message);
    hub.catchUp();
    const at = hub.state.readTime(database);
    const shared = hub.share(viewKey, make);
    try {
      const from = this.resumeTime(message, database, at);
      const notices = from === undefined ? shared.view.all(at) : shared.view.between(from, at);
      // The query runs before anything is said, so that a refusal comes first.
      const iterator = notices[Symbol.iterator]();
      const next = iterator.next();
      this.send(targetChange({ type: "ADD", targetIds: [id] }));
      if (from === undefined && message.resumeType !== undefined) {
        this.send(targetChange({ type: "RESET", targetIds: [id] }));
      }
      const once = message.once === true;
      const expected = from === undefined ? undefined : message.expectedCount?.value;
      const initial: Initial = { id, at, view: shared.view, expected, once, notices: iterator, next };
      this.initials.set(id, initial);
      this.outgoing.push(initial);
      if (!once) {
        const target: Target = { stream: this, id, viewKey, since: at };
        this.targets.set(id, target);
        shared.targets.add(target);
      }
      this.sendSnapshot(at);
    } finally {
      hub.dropUnused(viewKey);
    }
  }

  /** Sends the initial messages of a target, no faster than they are read. */
  private async sendInitial(initial: Initial): Promise<void> {
    const { id, at, notices } = initial;
    for (let { next } = initial; next.done !== true; next = notices.next()) {
      const keepsUp = this.call.send(noticeMessage(next.value, id, at));
      this.bill();
      if (!keepsUp) await this.call.drained();
      // The target may have been removed meanwhile.
      if (this.initials.get(id) !== initial) return;
    }
    this.initials.delete(id);
    if (initial.expected !== undefined) this.sendFilter(initial.view, id, initial.expected, at);
    const resumeToken = this.token(at);
    this.call.send(targetChange({ type: "CURRENT", targetIds: [id], resumeToken, readTime: at }));
    if (initial.once) this.call.send(targetChange({ type: "REMOVE", targetIds: [id] }));
  }

  /**
   * When a client states how many documents it knows and the number is wrong, an existence filter tells it.
   */
  private sendFilter(view: View, id: number, expected: number, at: Micros): void {
    let count = 0;
    for (const { kind } of view.all(at)) if (kind === "changed") count += 1;
    if (count !== expected) this.call.send(existenceFilter(id, count));
  }

  /** The time at which a client resumes; undefined when it must start over. */
  private resumeTime(message: Message, database: DatabaseRow, now: Micros): Micros | undefined {
    const { state } = this.hub;
    let time: Micros | undefined;
    if (message.resumeType === "readTime") time = microsOf(message.readTime);
    else if (message.resumeType === "resumeToken" && message.resumeToken.length === TOKEN_BYTES) {
      const token = Buffer.from(message.resumeToken);
      if (token.subarray(0, 8).equals(state.incarnation)) time = Number(token.readBigUInt64BE(8));
    }
    if (time === undefined || time > now) return undefined;
    try {
      return state.checkReadTime(database, time);
    } catch {
      return undefined;
    }
  }

  private token(time: Micros): Buffer {
    const token = Buffer.alloc(TOKEN_BYTES);
    this.hub.state.incarnation.copy(token);
    token.writeBigUInt64BE(BigInt(time), 8);
    return token;
  }

  private remove(id: number): void {
    const target = this.targets.get(id);
    if (target !== undefined) this.hub.leave(target);
    this.targets.delete(id);
    this.initials.delete(id);
    this.send(targetChange({ type: "REMOVE", targetIds: [id] }));
  }

  sendChange(message: Buffer, notice: Notice): void {
    this.send(message);
    if (notice.kind === "changed") this.bill();
    const owed = this.outgoing.length - this.position;
    if (owed <= LISTEN_BACKLOG_MAX && this.outgoingBytes <= LISTEN_BACKLOG_BYTES_MAX) return;
    this.close();
    this.call.fail(new StatusError("UNAVAILABLE", "The listener is too slow; resume with the last token."));
  }

  /** Says that the whole stream is consistent as of `time`. */
  sendSnapshot(time: Micros): void {
    this.send(targetChange({ type: "NO_CHANGE", resumeToken: this.token(time), readTime: time }));
  }

  sendTime(): void {
    if (this.database !== undefined) this.sendSnapshot(this.hub.state.readTime(this.database));
  }

  private bill(): void {
    this.hub.kernel.meter.bill(this.call, { reads: 1 });
  }

  private send(message: Buffer): void {
    if (!this.open) return;
    this.outgoing.push(message);
    this.outgoingBytes += message.length;
    if (this.sending) return;
    this.sending = true;
    this.sendOutgoing().catch((cause: unknown) => {
      if (!this.open) return;
      this.close();
      console.error(cause);
      this.call.fail(new StatusError("INTERNAL", "The emulator failed; its log says how."));
    });
  }

  /**
   * Sends everything in order, at the reader's pace. No change overtakes the initial messages of a target.
   */
  private async sendOutgoing(): Promise<void> {
    while (this.open && this.position < this.outgoing.length) {
      if (this.position === SENT_KEPT_MAX) {
        this.outgoing.splice(0, this.position);
        this.position = 0;
      }
      const item = this.outgoing[this.position++] as Buffer | Initial;
      if (!Buffer.isBuffer(item)) {
        if (this.initials.get(item.id) === item) await this.sendInitial(item);
        continue;
      }
      this.outgoingBytes -= item.length;
      if (!this.call.send(item)) await this.call.drained();
    }
    this.outgoing = [];
    this.position = 0;
    this.sending = false;
  }

  close(): void {
    this.open = false;
    this.initials.clear();
    this.outgoing = [];
    for (const target of this.targets.values()) this.hub.leave(target);
    this.targets.clear();
  }
}

/** The view of a target, under a key that is equal for targets with equal queries. */
function viewOf(state: FirestoreState, database: DatabaseRow, message: Message): [string, () => View] {
  if (message.targetType === "documents") {
    const names = [...new Set<string>(message.documents.documents ?? [])].sort();
    for (const name of names) {
      if (parseDocumentName(name).database !== database.name) {
        throw new StatusError("INVALID_ARGUMENT", `Document name "${name}" is not in "${database.name}".`);
      }
    }
    return [`documents ${names.join(" ")}`, () => new DocumentsView(state, database, names)];
  }
  if (message.targetType !== "query")
    throw new StatusError("INVALID_ARGUMENT", "A target must have its type set.");
  const parent = parseParent(message.query.parent);
  if (parent.database !== database.name)
    throw new StatusError("INVALID_ARGUMENT", "The target is in another database.");
  const query = parseQuery(parent, message.query.structuredQuery);
  if (query.offset > 0 || query.nearest !== undefined) {
    throw new StatusError("INVALID_ARGUMENT", "Listening supports neither offset nor findNearest.");
  }
  const key = `query ${message.query.parent} ${queryKey(message.query.structuredQuery)}`;
  return [
    key,
    () =>
      query.limit === undefined
        ? new QueryView(state, database, query)
        : new LimitedView(state, database, query),
  ];
}

const queryKey = (structured: Message): string =>
  Buffer.from(structured.constructor.encode(structured).finish()).toString("latin1");

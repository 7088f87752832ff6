import type { DuplexCall, Kernel, Message } from "../kernel/grpc.ts";
import { RpcError, statusNumber } from "../kernel/rpc-error.ts";
import { LISTEN_BACKLOG_MAX, LISTEN_QUIET_MS, LISTEN_TARGETS_MAX } from "./limits.ts";
import { existenceFilter, type Notice, noticeMessage, targetChange } from "./listen-messages.ts";
import { parseDatabase, parseDocumentName, parseParent } from "./path.ts";
import { parseQuery } from "./query.ts";
import type { FirestoreState } from "./state.ts";
import type { DatabaseRow } from "./store.ts";
import { type Micros, microsOf } from "./time.ts";
import { DocumentsView, LimitedView, placesOf, QueryView, type View } from "./views.ts";
import type { Change } from "./write-apply.ts";

/** A target of one stream. */
interface Target {
  readonly stream: ListenStream;
  readonly id: number;
  readonly viewKey: string;
  /** Changes up to this time are known to the listener already. */
  readonly since: Micros;
}

interface SharedView {
  readonly view: View;
  readonly targets: Set<Target>;
}

interface Commit {
  readonly database: string;
  readonly changes: readonly Change[];
  readonly time: Micros;
}

/** All listeners: finds, for each change, the views it may matter to, and tells their targets. */
export class ListenHub {
  readonly state: FirestoreState;
  readonly kernel: Kernel;
  private readonly views = new Map<string, SharedView>();
  private readonly byPlace = new Map<string, Set<SharedView>>();
  private readonly streams = new Set<ListenStream>();
  private queue: Commit[] = [];
  private scheduled = false;
  private cancelAlarm: () => void = () => undefined;

  constructor(kernel: Kernel, state: FirestoreState) {
    this.kernel = kernel;
    this.state = state;
    state.published = (database, changes, time) => this.publish({ database, changes, time });
  }

  open(call: DuplexCall): void {
    const stream = new ListenStream(this, call);
    if (this.streams.size === 0) this.armAlarm();
    this.streams.add(stream);
    call.onClose(() => {
      stream.close();
      this.streams.delete(stream);
      if (this.streams.size === 0) this.cancelAlarm();
    });
  }

  private publish(commit: Commit): void {
    if (this.views.size === 0) return;
    this.queue.push(commit);
    if (this.scheduled) return;
    // Commits of one flush arrive together; their listeners are told together.
    this.scheduled = true;
    setImmediate(() => this.dispatch());
  }

  /** Brings every listener up to everything committed so far. */
  catchUp(): void {
    this.state.publishNow();
    this.dispatch();
  }

  private dispatch(): void {
    this.scheduled = false;
    const commits = this.queue;
    this.queue = [];
    const touched = new Map<ListenStream, Micros>();
    const reviewed = new Map<SharedView, Micros>();
    for (const { database, changes, time } of commits) {
      for (const change of changes) {
        for (const shared of this.viewsOf(database, change)) {
          const notice = shared.view.follow(change);
          if (notice !== undefined) tell(shared, [notice], time, touched);
          if (shared.view.review !== undefined) reviewed.set(shared, time);
        }
      }
    }
    for (const [shared, time] of reviewed) {
      if (shared.view.review !== undefined) tell(shared, shared.view.review(time), time, touched);
    }
    for (const [stream, time] of touched) stream.sendSnapshot(time);
  }

  private *viewsOf(database: string, change: Change): Iterable<SharedView> {
    for (const place of placesOf(database, change)) yield* this.byPlace.get(place) ?? [];
  }

  /** The view for a target, shared with others that look at the same. */
  share(key: string, make: () => View): SharedView {
    let shared = this.views.get(key);
    if (shared !== undefined) return shared;
    shared = { view: make(), targets: new Set() };
    this.views.set(key, shared);
    for (const place of shared.view.places) {
      const there = this.byPlace.get(place) ?? new Set();
      there.add(shared);
      this.byPlace.set(place, there);
    }
    return shared;
  }

  leave(target: Target): void {
    const shared = this.views.get(target.viewKey);
    shared?.targets.delete(target);
    this.dropUnused(target.viewKey);
  }

  dropUnused(key: string): void {
    const shared = this.views.get(key);
    if (shared === undefined || shared.targets.size > 0) return;
    this.views.delete(key);
    for (const place of shared.view.places) {
      const there = this.byPlace.get(place);
      there?.delete(shared);
      if (there?.size === 0) this.byPlace.delete(place);
    }
  }

  /** Quiet streams are told the time now and then, or clients take them for dead. */
  private armAlarm(): void {
    const { clock } = this.kernel;
    this.cancelAlarm = clock.at(clock.now() + LISTEN_QUIET_MS, () => {
      this.catchUp();
      for (const stream of this.streams) stream.sendTime();
      this.armAlarm();
    });
  }

  close(): void {
    this.cancelAlarm();
  }
}

/** Sends notices to the targets of a view, each encoded once per target id. */
function tell(
  { targets }: SharedView,
  notices: Iterable<Notice>,
  time: Micros,
  touched: Map<ListenStream, Micros>,
): void {
  for (const notice of notices) {
    const encoded = new Map<number, Buffer>();
    for (const target of targets) {
      if (target.since >= time) continue;
      let message = encoded.get(target.id);
      if (message === undefined) {
        message = noticeMessage(notice, target.id, time);
        encoded.set(target.id, message);
      }
      target.stream.sendChange(message, notice);
      touched.set(target.stream, time);
    }
  }
}

const TOKEN_BYTES = 16;

class ListenStream {
  private readonly hub: ListenHub;
  private readonly call: DuplexCall;
  private readonly targets = new Map<number, Target>();
  private database: DatabaseRow | undefined;
  /** Messages sent since the reader fell behind. */
  private owed = 0;
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
        throw new RpcError("INVALID_ARGUMENT", "A stream listens to one database only.");
      }
      this.database = row;
    }
    if (request.targetChange === "addTarget") this.add(request.addTarget, this.database);
    else if (request.targetChange === "removeTarget") this.remove(request.removeTarget);
    else throw new RpcError("INVALID_ARGUMENT", "A listen request must add or remove a target.");
  }

  private add(message: Message, database: DatabaseRow): void {
    const id: number = message.targetId === 0 ? this.ownId() : message.targetId;
    try {
      if (id < 0 || this.targets.has(id))
        throw new RpcError("INVALID_ARGUMENT", `Target id ${id} is in use.`);
      if (this.targets.size >= LISTEN_TARGETS_MAX) {
        throw new RpcError("RESOURCE_EXHAUSTED", `A stream has at most ${LISTEN_TARGETS_MAX} targets.`);
      }
      this.start(id, message, database);
    } catch (cause) {
      if (!(cause instanceof RpcError)) throw cause;
      this.targets.delete(id);
      const status = { code: statusNumber(cause.code), message: cause.message };
      this.send(targetChange({ type: "REMOVE", targetIds: [id], cause: status }));
    }
  }

  private ownId(): number {
    while (this.targets.has(this.nextOwnId)) this.nextOwnId += 1;
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
      let next = iterator.next();
      this.send(targetChange({ type: "ADD", targetIds: [id] }));
      if (from === undefined && message.resumeType !== undefined) {
        this.send(targetChange({ type: "RESET", targetIds: [id] }));
      }
      for (; next.done !== true; next = iterator.next()) this.sendInitial(next.value, id, at);
      const expected = message.expectedCount?.value;
      if (from !== undefined && expected !== undefined) this.sendFilter(shared.view, id, expected, at);
      const resumeToken = this.token(at);
      this.send(targetChange({ type: "CURRENT", targetIds: [id], resumeToken, readTime: at }));
      if (message.once === true) this.send(targetChange({ type: "REMOVE", targetIds: [id] }));
      else {
        const target: Target = { stream: this, id, viewKey, since: at };
        this.targets.set(id, target);
        shared.targets.add(target);
      }
      this.sendSnapshot(at);
    } finally {
      hub.dropUnused(viewKey);
    }
  }

  private sendInitial(notice: Notice, id: number, at: Micros): void {
    this.send(noticeMessage(notice, id, at));
    this.bill();
  }

  /** A client that says how many documents it knows is told when that is not what there are. */
  private sendFilter(view: View, id: number, expected: number, at: Micros): void {
    let count = 0;
    for (const { kind } of view.all(at)) if (kind === "changed") count += 1;
    if (count !== expected) this.send(existenceFilter(id, count));
  }

  /** The time a client left off; undefined when it must start over. */
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
    this.send(targetChange({ type: "REMOVE", targetIds: [id] }));
  }

  sendChange(message: Buffer, notice: Notice): void {
    this.send(message);
    if (notice.kind === "changed") this.bill();
    if (this.owed <= LISTEN_BACKLOG_MAX) return;
    this.close();
    this.call.fail(new RpcError("UNAVAILABLE", "The listener is too slow; resume with the last token."));
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
    const keepsUp = this.call.send(message);
    if (this.owed > 0) this.owed += 1;
    else if (!keepsUp) {
      this.owed = 1;
      void this.call.drained().then(() => {
        this.owed = 0;
      });
    }
  }

  close(): void {
    this.open = false;
    for (const target of this.targets.values()) this.hub.leave(target);
    this.targets.clear();
  }
}

/** What a target looks at, under a key that is the same for all who look at the same. */
function viewOf(state: FirestoreState, database: DatabaseRow, message: Message): [string, () => View] {
  if (message.targetType === "documents") {
    const names = [...new Set<string>(message.documents.documents ?? [])].sort();
    for (const name of names) {
      if (parseDocumentName(name).database !== database.name) {
        throw new RpcError("INVALID_ARGUMENT", `Document name "${name}" is not in "${database.name}".`);
      }
    }
    return [`documents ${names.join(" ")}`, () => new DocumentsView(state, database, names)];
  }
  if (message.targetType !== "query")
    throw new RpcError("INVALID_ARGUMENT", "A target must have its type set.");
  const parent = parseParent(message.query.parent);
  if (parent.database !== database.name)
    throw new RpcError("INVALID_ARGUMENT", "The target is in another database.");
  const query = parseQuery(parent, message.query.structuredQuery);
  if (query.offset > 0 || query.nearest !== undefined) {
    throw new RpcError("INVALID_ARGUMENT", "Listening supports neither offset nor findNearest.");
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

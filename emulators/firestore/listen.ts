import type { Kernel } from "../kernel/kernel.ts";
import type { DuplexCall } from "../kernel/rpc.ts";
import { LISTEN_QUIET_MS } from "./limits.ts";
import { type Notice, noticeMessage } from "./listen-messages.ts";
import { ListenStream, type Target } from "./listen-stream.ts";
import type { FirestoreState } from "./state.ts";
import type { Micros } from "./time.ts";
import { placesOf, type View } from "./views.ts";
import type { Change } from "./write-apply.ts";

interface SharedView {
  readonly view: View;
  readonly targets: Set<Target>;
}

interface Commit {
  readonly database: string;
  readonly changes: readonly Change[];
  readonly time: Micros;
}

/** All listeners. For each change it finds the views that may be affected and notifies their targets. */
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

  /** The view of a target, shared by targets with equal queries. */
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

  /** Idle streams receive the read time now and then; otherwise clients take them for dead. */
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

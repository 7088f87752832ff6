import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../../shared/identity/app.ts";
import type { AppDirectory } from "../../shared/identity/app-directory.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import { isEnded, type RevocationList } from "../../shared/identity/revocation.ts";
import type { Revocations } from "../../shared/identity/revocations.ts";
import type { Presence } from "../../shared/live/presence.ts";
import {
  type Caps,
  GIVE_BACK_MS,
  isHeld,
  type Place,
  type StreamSlots,
} from "../../shared/live/stream-slots.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { AppError } from "../../shared/platform/errors.ts";

/**
 * The streams that are open at this instance: how many each person and app may have, and that each ends when
 * what it was opened by is revoked. The list of revocations comes by a listener, so that takes milliseconds;
 * a listener that has died without a word is found out every CHECK_MS.
 *
 * The caps hold over all instances where there are `slots`, else for this one. Each opening counts
 * STREAM_OPERATIONS against the limit of requests too.
 */
export interface OpenStreams {
  /**
   * Counts a stream as open, until the returned function is called; `end` is called when it has to end.
   * While the app's settings are known here this costs what a slot does, without slots nothing.
   * @throws AppError `quota_exceeded`, `token_revoked`
   */
  open(app: App, principal: Principal, end: () => void, options?: StreamOptions): Promise<() => void>;
  count(): number;
}

export interface StreamOptions {
  /**
   * It tells what is made here: when the instance is told to end it goes on, and who makes that ends it. It
   * is the answer to a request of the API's, and lasts no longer than that may.
   */
  readonly isOfThisInstance?: boolean;
}

interface Stream extends StreamOptions {
  readonly app: App;
  readonly principal: Principal;
  readonly openedMs: number;
  readonly place: Place | undefined;
  end(): void;
}

/** What opening a stream counts as, in operations (operations.ts): listeners, a page, presence. */
export const STREAM_OPERATIONS = 30;
/** A person's stream also looks at their latest chats, and at who is there. */
export const PERSON_STREAM_OPERATIONS = 100;
/** When a client that has too many open may try again. */
const RETRY_AFTER_SECONDS = 10;
/** While streams are open and no request comes, the list of revocations is read again at most this often. */
const CHECK_MS = 5_000;
/** Within this a place that is due is written as given back. */
const GIVEN_BACK_MS = 1_000;

interface Counted {
  readonly apps: AppDirectory;
  readonly revocations: Revocations;
  readonly presence: Presence;
  readonly slots?: StreamSlots;
}

export function openOpenStreams(
  deps: Pick<Deps, "upkeep" | "clock" | "log">,
  { apps, revocations, presence, slots }: Counted,
): OpenStreams {
  const ofPerson = new Map<string, Set<Stream>>();
  const ofApp = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  /** Called when the last stream is closed. */
  let whenNone: () => void = () => undefined;

  const keyOf = (app: App, { id }: Principal): string => `${app.id}/${id}`;

  const leave = (stream: Stream): void => {
    const key = keyOf(stream.app, stream.principal);
    const own = ofPerson.get(key);
    if (own?.delete(stream) !== true) return;
    if (own.size === 0) ofPerson.delete(key);
    stream.place?.give();
    const left = (ofApp.get(stream.app.id) ?? 1) - 1;
    if (left > 0) ofApp.set(stream.app.id, left);
    else ofApp.delete(stream.app.id);
    if (ofPerson.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    whenNone();
  };

  /** Readers go to another instance at once, each at a moment of its own, and resume there. */
  deps.upkeep.onEnding(() => {
    for (const stream of all()) if (stream.isOfThisInstance !== true) stream.end();
    return new Promise<void>((resolve) => {
      whenNone = resolve;
      if (ofPerson.size === 0) resolve();
    });
  });

  /**
   * A person who has been signed out is no longer shown as present, unless another of their streams goes on,
   * here or at another instance. What others hold may be of the same session, and end at this moment.
   */
  const leaveUnlessThere = async ({ app, principal }: Stream): Promise<void> => {
    const isHeldElsewhere = slots?.isHeldElsewhere ?? isHeld;
    for (const waitMs of [0, GIVE_BACK_MS + GIVEN_BACK_MS]) {
      await delay(waitMs, undefined, { ref: false });
      if (ofPerson.has(keyOf(app, principal))) return;
      if (!(await isHeldElsewhere(app, principal.id))) return presence.leave(app, principal.id);
    }
  };
  const noteGone = (stream: Stream): void => {
    if (stream.principal.kind !== "person") return;
    deps.upkeep
      .run(() => leaveUnlessThere(stream))
      .catch((cause: unknown) => deps.log.error("Presence could not be noted.", cause));
  };

  const noteThere = ({ app, principal }: Stream): void => {
    if (principal.kind !== "person") return;
    deps.upkeep
      .run(() => presence.keep(app, principal.id))
      .catch((cause: unknown) => deps.log.error("Presence could not be noted.", cause));
  };

  const heed = (list: RevocationList): void => {
    const ended = all().filter(({ app, principal, openedMs }) => isEnded(list, app.id, principal, openedMs));
    for (const stream of ended) leave(stream);
    for (const stream of ended) stream.end();
    const people = new Map(ended.map((stream) => [keyOf(stream.app, stream.principal), stream]));
    for (const stream of people.values()) noteGone(stream);
  };
  const stopHearing = revocations.onChange(heed);
  const all = (): Stream[] => [...ofPerson.values()].flatMap((streams) => [...streams]);

  /** A token may also run out, and whoever has a stream open is there. */
  const check = (): void => {
    deps.upkeep
      .run(() => revocations.present())
      .then(heed)
      .catch((cause: unknown) => {
        // Nobody knows any more who may still read. They come back, and are refused while that is so.
        deps.log.error("Revocations could not be confirmed; all streams end.", cause);
        for (const stream of all()) stream.end();
      });
    const nowMs = deps.clock.now();
    for (const stream of all()) if ((stream.principal.expiresMs ?? Infinity) <= nowMs) stream.end();
    for (const [stream] of ofPerson.values()) if (stream !== undefined) noteThere(stream);
  };
  deps.upkeep.onClose(() => {
    stopHearing();
    clearInterval(timer);
  });

  return {
    count: () => all().length,
    async open(app, principal, end, options = {}) {
      if (deps.upkeep.isEnding) {
        throw new AppError("unavailable", "This instance ends; another has room.", { retryAfterSeconds: 1 });
      }
      const openedMs = deps.clock.now();
      const { limits } = await apps.settingsOf(app);
      const caps = { person: limits.streamsPerPerson, app: limits.streamsPerApp };
      const place = await slots?.take(app, principal.id, caps);
      if (place === "person") throw tooMany("streams");
      if (place === "app") throw tooMany("app-streams");
      let own: Set<Stream>;
      const key = keyOf(app, principal);
      try {
        const list = await revocations.present();
        if (isEnded(list, app.id, principal, openedMs)) {
          throw new AppError("token_revoked", "The access token has been revoked.");
        }
        own = ofPerson.get(key) ?? new Set();
        if (slots === undefined) demandRoom(caps, { person: own.size, app: ofApp.get(app.id) ?? 0 });
      } catch (cause) {
        place?.give();
        throw cause;
      }
      const stream: Stream = { ...options, app, principal, openedMs, place, end };
      ofPerson.set(key, own.add(stream));
      ofApp.set(app.id, (ofApp.get(app.id) ?? 0) + 1);
      timer ??= setInterval(check, CHECK_MS).unref();
      return () => leave(stream);
    },
  };
}

/** At this instance. @throws AppError `quota_exceeded` */
function demandRoom(caps: Caps, { person, app }: { readonly person: number; readonly app: number }): void {
  if (person >= (caps.person ?? Infinity)) throw tooMany("streams");
  if (app >= (caps.app ?? Infinity)) throw tooMany("app-streams");
}

const tooMany = (policy: string): AppError =>
  new AppError("quota_exceeded", "Too many streams are open; end one, or try again later.", {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    violatedPolicies: [policy],
  });

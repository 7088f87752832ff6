import type { App } from "../../shared/identity/app.ts";
import type { AppDirectory } from "../../shared/identity/app-directory.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import { isEnded, type RevocationList } from "../../shared/identity/revocation.ts";
import type { Revocations } from "../../shared/identity/revocations.ts";
import type { Presence } from "../../shared/live/presence.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { AppError } from "../../shared/platform/errors.ts";

/**
 * The streams that are open at this instance: how many each person and app may have, and that each ends when
 * what it was opened by is revoked. The list of revocations comes by a listener, so that takes milliseconds;
 * a listener that has died without a word is found out every CHECK_MS.
 *
 * The caps are exact for one instance. Over all instances the limit of requests bounds a person's streams
 * too: each opening counts STREAM_OPERATIONS against it, and no stream outlives STREAM_MS_MAX.
 */
export interface OpenStreams {
  /**
   * Counts a stream as open, until the returned function is called; `end` is called when it has to end.
   * No Firestore operation while the app's settings are known here.
   * @throws AppError `quota_exceeded`, `token_revoked`
   */
  open(app: App, principal: Principal, end: () => void): Promise<() => void>;
  count(): number;
}

interface Stream {
  readonly app: App;
  readonly principal: Principal;
  readonly openedMs: number;
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

export function openOpenStreams(
  deps: Pick<Deps, "upkeep" | "clock" | "log">,
  { apps, revocations, presence }: { apps: AppDirectory; revocations: Revocations; presence: Presence },
): OpenStreams {
  const ofPerson = new Map<string, Set<Stream>>();
  const ofApp = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const keyOf = (app: App, { id }: Principal): string => `${app.id}/${id}`;

  const leave = (stream: Stream): void => {
    const key = keyOf(stream.app, stream.principal);
    const own = ofPerson.get(key);
    if (own?.delete(stream) !== true) return;
    if (own.size === 0) ofPerson.delete(key);
    const left = (ofApp.get(stream.app.id) ?? 1) - 1;
    if (left > 0) ofApp.set(stream.app.id, left);
    else ofApp.delete(stream.app.id);
    if (ofPerson.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  /**
   * A person who has been signed out is no longer shown as present, unless another of their streams goes on.
   */
  const noteGone = ({ app, principal }: Stream): void => {
    if (principal.kind !== "person" || ofPerson.has(keyOf(app, principal))) return;
    deps.upkeep
      .run(() => presence.leave(app, principal.id))
      .catch((cause: unknown) => deps.log.error("Presence could not be noted.", cause));
  };

  const heed = (list: RevocationList): void => {
    const ended = [...ofPerson.values()].flatMap((streams) =>
      [...streams].filter(({ app, principal, openedMs }) => isEnded(list, app.id, principal, openedMs)),
    );
    for (const stream of ended) leave(stream);
    for (const stream of ended) stream.end();
    const people = new Map(ended.map((stream) => [keyOf(stream.app, stream.principal), stream]));
    for (const stream of people.values()) noteGone(stream);
  };
  const stopHearing = revocations.onChange(heed);
  const check = (): void => {
    deps.upkeep
      .run(() => revocations.present())
      .then(heed)
      .catch((cause: unknown) => deps.log.error("Revocations could not be confirmed.", cause));
  };
  deps.upkeep.onClose(() => {
    stopHearing();
    clearInterval(timer);
  });

  return {
    count: () => [...ofPerson.values()].reduce((sum, { size }) => sum + size, 0),
    async open(app, principal, end) {
      const openedMs = deps.clock.now();
      const { limits } = await apps.settingsOf(app);
      const list = await revocations.present();
      if (isEnded(list, app.id, principal, openedMs)) {
        throw new AppError("token_revoked", "The access token has been revoked.");
      }
      const key = keyOf(app, principal);
      const own = ofPerson.get(key) ?? new Set();
      if (own.size >= (limits.streamsPerPerson ?? Infinity)) throw tooMany("streams");
      if ((ofApp.get(app.id) ?? 0) >= (limits.streamsPerApp ?? Infinity)) throw tooMany("app-streams");
      const stream: Stream = { app, principal, openedMs, end };
      ofPerson.set(key, own.add(stream));
      ofApp.set(app.id, (ofApp.get(app.id) ?? 0) + 1);
      timer ??= setInterval(check, CHECK_MS).unref();
      return () => leave(stream);
    },
  };
}

const tooMany = (policy: string): AppError =>
  new AppError("quota_exceeded", "Too many streams are open; end one, or try again later.", {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    violatedPolicies: [policy],
  });

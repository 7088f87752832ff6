import type { Session, SignInOptions, User } from "../identity/contract.ts";
import { ApiError, isTransient } from "./api-error.ts";
import { createEmitter, type Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import type { Send } from "./send.ts";

/** What proves the session at the next start: the refresh token, or the CSRF token beside its cookie. */
export interface StoredSession {
  readonly refreshToken?: string;
  readonly csrfToken?: string;
}

/** Where a session outlives a reload. */
export interface SessionStore {
  read(): StoredSession | undefined;
  write(session: StoredSession): void;
  clear(): void;
  /**
   * Tells the server that somebody has signed in from here before, so that strangers can't lock them out. It
   * outlives the session.
   */
  readonly device?: { read(): string | undefined; write(token: string): void };
  /** Lets tabs that share the store take turns, or each would use up the other's refresh token. */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
}

export function memorySession(session?: StoredSession): SessionStore {
  let stored = session;
  let known: string | undefined;
  return {
    device: {
      read: () => known,
      write(token) {
        known = token;
      },
    },
    read: () => stored,
    write(next) {
      stored = next;
    },
    clear() {
      stored = undefined;
    },
  };
}

export interface ClientSession extends Emitter<{ change: User | undefined }> {
  readonly user: User | undefined;
  /** Has a code mailed; answers with the challenge that the code answers. */
  askForCode(email: string): Promise<string>;
  /** @throws ApiError when the code is not the one */
  signIn(challenge: string, code: string): Promise<User>;
  /** How people come in: what a sign-in is to offer. */
  options(): Promise<SignInOptions>;
  /** Comes in without an address, where the app takes guests. @throws ApiError where it does not */
  enterAsGuest(name: string): Promise<User>;
  /** Goes on with a session that somebody else has begun, such as an exchange. */
  adopt(session: Session): void;
  /** Goes on with the stored session. False when there is none, or it has ended. */
  resume(): Promise<boolean>;
  /** An access token that is good for a while yet. @throws ApiError */
  accessToken(): Promise<string>;
  /** Renews a token that was refused; for all who ask at once by one request. False: signed out. */
  renew(refused: string): Promise<boolean>;
  signOut(): Promise<void>;
}

/** A token is renewed so long before its end, that no request reaches the server with one just over. */
const RENEW_BEFORE_MS = 60_000;

export interface SessionOptions {
  readonly env: Environment;
  readonly store: SessionStore;
  /** `cookie`: the refresh token is out of reach for scripts; needs the API's own origin or a listed one. */
  readonly transport: "body" | "cookie";
  /** Requests below `/v1/apps/{app}`, without credentials of their own. */
  readonly send: Send;
}

interface Current {
  readonly user: User;
  readonly accessToken: string;
  readonly endsMs: number;
}

export function createSession({ env, store, transport, send }: SessionOptions): ClientSession {
  const emitter = createEmitter<{ change: User | undefined }>();
  let current: Current | undefined;
  let renewing: Promise<boolean> | undefined;

  const take = ({ user, accessToken, expiresIn, refreshToken, csrfToken, deviceToken }: Session): User => {
    const before = current?.user.id;
    current = { user, accessToken, endsMs: env.now() + expiresIn * 1000 };
    store.write({
      ...(refreshToken === undefined ? {} : { refreshToken }),
      ...(csrfToken === undefined ? {} : { csrfToken }),
    });
    if (deviceToken !== undefined) store.device?.write(deviceToken);
    if (before !== user.id) emitter.emit("change", user);
    return user;
  };

  const forget = (): void => {
    const was = current;
    current = undefined;
    store.clear();
    if (was !== undefined) emitter.emit("change", undefined);
  };

  const exchange = async (): Promise<boolean> => {
    const stored = store.read();
    if (stored === undefined) return false;
    const { refreshToken, csrfToken } = stored;
    try {
      const { data } = await send<Session>("POST", "/auth/refresh", {
        body: refreshToken === undefined ? {} : { refreshToken },
        headers: csrfToken === undefined ? {} : { "x-csrf-token": csrfToken },
        // The server answers a repetition within seconds with the same successor.
        tries: 3,
      });
      take(data);
      return true;
    } catch (cause) {
      // Only a clear refusal ends the session; an unreachable server does not.
      if (isTransient(cause)) throw cause;
      forget();
      return false;
    }
  };

  const renewOnce = (): Promise<boolean> => {
    renewing ??= (store.exclusively?.(exchange) ?? exchange()).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };

  return {
    on: emitter.on,
    get user() {
      return current?.user;
    },
    async askForCode(email) {
      const deviceToken = store.device?.read();
      const body = { email, ...(deviceToken === undefined ? {} : { deviceToken }) };
      const { data } = await send<{ challenge: string }>("POST", "/auth/codes", { body });
      return data.challenge;
    },
    async signIn(challenge, code) {
      const body = { challenge, code, ...(transport === "cookie" ? { transport } : {}) };
      const { data } = await send<Session>("POST", "/auth/sessions", { body });
      return take(data);
    },
    async options() {
      const { data } = await send<SignInOptions>("GET", "/auth/options", {});
      return data;
    },
    async enterAsGuest(name) {
      const body = { name, ...(transport === "cookie" ? { transport } : {}) };
      const { data } = await send<Session>("POST", "/auth/guests", { body });
      return take(data);
    },
    adopt: (session) => void take(session),
    resume: renewOnce,
    async accessToken() {
      if (current === undefined)
        throw new ApiError(401, { detail: "Nobody is signed in.", code: "unauthenticated" });
      const leftMs = current.endsMs - env.now();
      if (leftMs < RENEW_BEFORE_MS) {
        const isRenewed = await renewOnce().catch((cause: unknown) => {
          // While the old one is good, a server that can't renew it now is no reason to stop.
          if (leftMs <= 0) throw cause;
          return true;
        });
        if (!isRenewed) throw new ApiError(401, { detail: "The session has ended.", code: "session_ended" });
      }
      return current.accessToken;
    },
    async renew(refused) {
      return current !== undefined && current.accessToken !== refused ? true : renewOnce();
    },
    async signOut() {
      const token = current?.accessToken;
      forget();
      if (token === undefined) return;
      // The person is out here whether or not the server hears of it.
      const headers = { authorization: `Bearer ${token}` };
      await send("DELETE", "/auth/sessions/current", { headers }).catch(() => undefined);
    },
  };
}

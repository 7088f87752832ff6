import type { Deps } from "../platform/deps.ts";
import type { Transaction, WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import type { App } from "./app.ts";
import { type Caller, networkOf } from "./caller.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { SESSION_TTL_MS } from "./session-lifetime.ts";
import { type StoredSession, sessionRef } from "./store.ts";

export const newSession = (user: string, userAgent: string, at: Timestamp): StoredSession => ({
  user,
  generation: 0,
  rotatedAt: at,
  status: "open",
  userAgent,
  createdAt: at,
  factorAt: null,
  expireAt: Timestamp.fromMillis(at.toMillis() + SESSION_TTL_MS),
});

/** Stores a session under its drawn id and records the sign-in. 2 writes. */
export function addSession(
  deps: Deps,
  app: App,
  writer: Transaction | WriteBatch,
  {
    sessionId,
    session,
    caller,
    method,
  }: {
    readonly sessionId: string;
    readonly session: StoredSession;
    readonly caller: Caller;
    readonly method: "code" | "exchange" | "guest";
  },
): void {
  (writer as WriteBatch).create(sessionRef(app, sessionId), { ...session, network: networkOf(caller.ip) });
  addSecurityEvent(deps, writer, securityEventsOf(app), {
    event: {
      kind: "signed-in",
      actor: session.user,
      subject: session.user,
      caller,
      details: { method },
    },
  });
}

import type { Deps } from "../platform/deps.ts";
import { derivedId } from "../platform/ids.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Principal } from "./principal.ts";
import { securityEventsOf, writeFirstEvent } from "./security-event.ts";

const HOUR_MS = 3600_000;
const REMEMBERED_MAX = 10_000;

/** Writes down who uses the right to every chat on a direct chat of others: once an hour for each of them. */
export interface Outsiders {
  /** The principal, whose looks into others' direct chats are noted from now on. */
  watched(app: App, principal: Principal, caller: Caller): Watched;
}

export interface Watched {
  readonly principal: Principal;
  /** Resolves when all that was noted is written: before that nobody is shown anything. */
  written(): Promise<void>;
}

export function openOutsiders(deps: Deps): Outsiders {
  const remembered = new Set<string>();

  const writeDown = async (app: App, principal: Principal, chat: number, caller: Caller): Promise<void> => {
    const hour = String(Math.floor(deps.clock.now() / HOUR_MS));
    const id = derivedId("read-as-outsider", app.id, principal.id, String(chat), hour);
    if (remembered.has(id)) return;
    const event = {
      kind: "read-as-outsider" as const,
      actor: principal.id,
      subject: `chat_${chat}`,
      caller,
    };
    await writeFirstEvent(deps, securityEventsOf(app), { event, id });
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.add(id);
  };

  return {
    watched(app, principal, caller) {
      const writes = new Map<number, Promise<void>>();
      const witness = (chat: number): void => {
        if (writes.has(chat)) return;
        const write = writeDown(app, principal, chat, caller);
        // Whoever waits for it gets the failure; a stream that has begun already leaves it to the log.
        write.catch((cause: unknown) =>
          deps.log.error("A look into others' chat was not written down.", cause, { app: app.id }),
        );
        writes.set(chat, write);
      };
      return {
        principal: { ...principal, witness },
        async written() {
          await Promise.all(writes.values());
        },
      };
    },
  };
}

import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { App } from "./app.ts";

/**
 * A ticket stands for an access token where that must not stand: in an address, as EventSource sends no
 * headers. It is the token, encrypted for this app with the time until which it may be used, so nothing is
 * stored and whatever ends the token ends the ticket.
 */
export const TICKET_TTL_SECONDS = 60;

export function sealTicket(
  deps: Pick<Deps, "keys" | "clock">,
  app: App,
  token: string,
): { ticket: string; expiresIn: number } {
  const untilMs = deps.clock.now() + TICKET_TTL_SECONDS * 1000;
  return {
    ticket: deps.keys.seal("ticket", app.id, `${untilMs} ${token}`),
    expiresIn: TICKET_TTL_SECONDS,
  };
}

/** The token that a ticket stands for. @throws AppError `token_invalid`, `token_expired` */
export function openTicket(deps: Pick<Deps, "keys" | "clock">, app: App, ticket: string): string {
  let opened: string;
  try {
    opened = deps.keys.open("ticket", app.id, ticket);
  } catch (cause) {
    throw new AppError("token_invalid", "The ticket is not valid here.", {}, { cause });
  }
  const [untilMs = "", token = ""] = opened.split(" ");
  if (Number(untilMs) <= deps.clock.now()) throw new AppError("token_expired", "The ticket has expired.");
  return token;
}

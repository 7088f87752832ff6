import type { Deps } from "../platform/deps.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Role } from "./contract.ts";
import { addRevocation } from "./revocation.ts";
import { accessTokensEndMs } from "./revoke.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";

export interface RoleChange {
  readonly userId: string;
  readonly from: Role;
  readonly to: Role;
  /** Who gave the role; absent where nobody in the app did. */
  readonly actor?: string;
  /** What gave the role, where no administrator did. */
  readonly by?: "invitation" | "identity provider";
  readonly caller: Caller;
  /** Access tokens that were issued before this moment end. Default: now. */
  readonly tokensBeforeMs?: number;
}

/** Adds what goes with another role: tokens with the old one end, and it is written down. 2 writes. */
export function addRoleChange(
  deps: Pick<Deps, "firestore" | "clock">,
  app: App,
  transaction: Parameters<typeof addRevocation>[1],
  { userId, from, to, actor, by, caller, tokensBeforeMs = deps.clock.now() }: RoleChange,
): void {
  addRevocation(deps.firestore, transaction, {
    scope: "user",
    id: userId,
    ends: "tokens",
    beforeMs: tokensBeforeMs,
    expireMs: accessTokensEndMs(deps.clock.now()),
  });
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: {
      kind: "role-changed",
      ...(actor === undefined ? {} : { actor }),
      subject: userId,
      caller,
      details: { from, to, ...(by === undefined ? {} : { by }) },
    },
  });
}

import type { Role } from "./contract.ts";
import type { Permission } from "./permissions.ts";
import type { Issued } from "./revocation.ts";

/** Who makes a request: a person with an access token, a server with an API token, or the operator. */
export interface Principal {
  /** The user's id; `token_…` for an API token; `operator`. */
  readonly id: string;
  readonly kind: "person" | "service" | "operator";
  readonly role: Role;
  /** All that it may do; absent: all that its role may. */
  readonly scopes?: ReadonlySet<Permission>;
  /** Is told of direct chats that are seen by the right to every chat, of people who are in none of them. */
  readonly witness?: (chat: number) => void;
  /** Of a token, or of whom a server acts for: whatever ends these in the list of revocations ends it too. */
  readonly standsOn?: readonly { readonly scope: "api-token" | "user"; readonly id: string }[];
  /** When an API token runs out, and with it whatever it has opened. */
  readonly expiresMs?: number;
  /** Who acts in the person's name: an API token or the operator. */
  readonly actor?: string;
  /** The session of a person. */
  readonly sessionId?: string;
  /** When the person last proved their second factor in this session. */
  readonly factorMs?: number;
  /** What the access token says of itself, by which a revocation is known to concern it. */
  readonly issued?: Issued;
}

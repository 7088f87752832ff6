import type { Role } from "./contract.ts";
import type { Issued } from "./revocation.ts";

/** Who makes a request: a person with an access token, a server with an API token, or the operator. */
export interface Principal {
  /** The user's id; `token_…` for an API token; `operator`. */
  readonly id: string;
  readonly kind: "person" | "service" | "operator";
  readonly role: Role;
  /** The session of a person. */
  readonly sessionId?: string;
  /** When the person last proved their second factor in this session. */
  readonly factorMs?: number;
  /** What the access token says of itself, by which a revocation is known to concern it. */
  readonly issued?: Issued;
}

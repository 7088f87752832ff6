import { addressHash, canonicalAddress } from "../identity/address.ts";
import type { App } from "../identity/app.ts";
import { holds } from "../identity/permissions.ts";
import type { Principal } from "../identity/principal.ts";
import { addressRef, readDocument, storedUser, userRef } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { FoundAuthor } from "./found.ts";

/** Who of an export is whom here. */
export interface People {
  /** Reads who these are, as far as it is not known yet. */
  learn(authors: readonly FoundAuthor[]): Promise<void>;
  /** The user that somebody is here; undefined for whoever is nobody here. */
  userOf(author: FoundAuthor): string | undefined;
}

/**
 * People are recognised by their mail addresses. Whoever imports is recognised as themselves; others only
 * where they import who may change people: nobody else puts words into somebody's mouth. 1 read for the
 * first, and 1 for each address.
 */
export async function openPeople(
  deps: Pick<Deps, "firestore" | "keys">,
  app: App,
  by: Principal,
): Promise<People> {
  const own =
    by.kind === "person" ? (await readDocument(userRef(app, by.id), storedUser)).data?.email : undefined;
  const known = new Map<string, string | undefined>();
  if (own !== undefined && own !== "") known.set(own, by.id);
  const mayRecognise = holds(by, "user:change");
  const addressOf = (author: FoundAuthor): string | undefined =>
    "email" in author && author.email !== undefined ? canonicalAddress(author.email) : undefined;
  return {
    async learn(authors) {
      if (!mayRecognise) return;
      const addresses = [...new Set(authors.map(addressOf))].filter(
        (address) => address !== undefined && !known.has(address),
      ) as string[];
      if (addresses.length === 0) return;
      const refs = addresses.map((address) => addressRef(app, addressHash(deps.keys, app, address)));
      const found = await within(READ_MS_MAX, deps.firestore.getAll(...refs));
      for (const [index, address] of addresses.entries()) {
        known.set(address, found[index]?.get("user") as string | undefined);
      }
    },
    userOf(author) {
      if ("self" in author) return by.id;
      const address = addressOf(author);
      return address === undefined ? undefined : known.get(address);
    },
  };
}

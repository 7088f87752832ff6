import { el } from "./dom.js";

/** @typedef {import("./types.js").User} User */
/** @typedef {import("./types.js").Sender} Sender */
/** @typedef {ReturnType<typeof createPeople>} People */

const listing = new Intl.ListFormat("en", { type: "conjunction" });

/**
 * The names of people, read once each when they are first needed.
 *
 * @param {import("./types.js").Api} api
 * @param {User} me
 */
export function createPeople(api, me) {
  /** @type {Map<string, string>} */
  const names = new Map([
    [me.id, me.name],
    ["operator", "Operator"],
  ]);
  /** @type {Map<string, Promise<string>>} */
  const asked = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();

  /** @param {string} id @param {string} name */
  const keep = (id, name) => {
    names.set(id, name);
    for (const listener of listeners) listener();
    return name;
  };

  /** @param {string} id */
  const ask = async (id) => {
    // Servers write under their API token's id and are no users.
    if (id.startsWith("token_")) return keep(id, "A server");
    /** @type {User | undefined} */
    const user = await api
      .get(`/users/${encodeURIComponent(id)}`, { background: true })
      .catch(() => undefined);
    return keep(id, user?.name ?? "Somebody");
  };

  /** @param {Sender} sender @returns {Promise<string>} */
  const nameOf = async (sender) => {
    if ("model" in sender) return modelName(sender.model);
    const known = names.get(sender.id);
    if (known !== undefined) return known;
    const asking = asked.get(sender.id) ?? ask(sender.id);
    asked.set(sender.id, asking);
    return asking;
  };

  /** The name if it is known; asks for it otherwise. @param {Sender} sender */
  const known = (sender) => {
    if ("model" in sender) return modelName(sender.model);
    if (!names.has(sender.id)) void nameOf(sender);
    return names.get(sender.id);
  };

  /** A page of the app's people. @param {string | null} [cursor] @returns {Promise<import("./types.js").Page<User>>} */
  const page = async (cursor = null) => {
    const query = new URLSearchParams({ limit: "100", ...(cursor === null ? {} : { cursor }) });
    /** @type {import("./types.js").Page<User>} */
    const found = await api.get(`/users?${query}`, { background: true });
    for (const { id, name } of found.data) names.set(id, name);
    return found;
  };

  return {
    nameOf,
    known,

    /** "You, Ada and 3 more": at most so many names, oneself first. @param {readonly string[]} ids @param {number} namesMax */
    list(ids, namesMax) {
      const sorted = ids.includes(me.id) ? [me.id, ...ids.filter((id) => id !== me.id)] : ids;
      const shown = sorted.slice(0, namesMax).map((id) => (id === me.id ? "You" : (known({ id }) ?? "…")));
      const rest = ids.length - shown.length;
      return listing.format(rest === 0 ? shown : [...shown, `${rest} more`]);
    },

    /** A round mark with the initial, in a colour of its own. @param {Sender} sender */
    avatar(sender) {
      const mark = el("span", { class: "avatar", "aria-hidden": true }, initialOf(known(sender) ?? ""));
      mark.style.setProperty("--hue", String(hueOf("id" in sender ? sender.id : sender.model)));
      return mark;
    },

    /** @param {() => void} listener @returns {() => void} */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    page,

    /** The people of the app but oneself, the first page. @returns {Promise<User[]>} */
    others: async () => (await page()).data.filter(({ id }) => id !== me.id),
  };
}

/** Until it is known which model answers. @param {string} model */
const modelName = (model) => (model === "" ? "The model" : model);

/** Roles that may do what only senders and creators may otherwise. @param {User} user */
export const isAdministrator = ({ role }) => role === "owner" || role === "admin";

/** @param {string} name */
function initialOf(name) {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first?.segment.toLocaleUpperCase() ?? "";
}

/** Ids that differ a little get hues that differ much (FNV-1a). @param {string} id */
function hueOf(id) {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 8) % 360;
}

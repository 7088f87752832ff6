import type { Api } from "../../shared/client/api.ts";
import type { Message, Page, User } from "../../shared/client/connect.ts";
import { el } from "./dom.ts";

export type Sender = Message["sender"];
export type People = ReturnType<typeof createPeople>;

const listing = new Intl.ListFormat("en", { type: "conjunction" });

/** A model that chats of the app may name. */
interface NamedModel {
  readonly id: string;
  readonly label?: string;
}

/** The names of people and models. Each is read once, when it is first needed. */
export function createPeople(api: Api, me: User) {
  const names = new Map<string, string>([
    [me.id, me.name],
    ["operator", "Operator"],
  ]);
  const reads = new Map<string, Promise<string>>();
  const listeners = new Set<() => void>();

  const keep = (id: string, name: string) => {
    names.set(id, name);
    for (const listener of listeners) listener();
    return name;
  };

  const readName = async (id: string) => {
    // Servers write under their API token's id and are no users.
    if (id.startsWith("token_")) return keep(id, "A server");
    const user = await api
      .get<User>(`/users/${encodeURIComponent(id)}`, { background: true })
      .catch(() => undefined);
    return keep(id, user?.name ?? "Somebody");
  };

  const labels = new Map<string, string>();
  let areLabelsRead = false;
  const models = async (): Promise<readonly NamedModel[]> => {
    areLabelsRead = true;
    const { data } = await api.get<Page<NamedModel>>("/models", { background: true });
    for (const { id, label } of data) if (label !== undefined) labels.set(id, label);
    for (const listener of listeners) listener();
    return data;
  };
  /** The name is empty until it is known which model answers. */
  const modelName = (model: string) => {
    if (model === "") return "The model";
    if (!areLabelsRead) void models().catch(() => (areLabelsRead = false));
    return labels.get(model) ?? model;
  };

  const nameOf = async (sender: Sender): Promise<string> => {
    if ("model" in sender) return modelName(sender.model);
    const known = names.get(sender.id);
    if (known !== undefined) return known;
    const reading = reads.get(sender.id) ?? readName(sender.id);
    reads.set(sender.id, reading);
    return reading;
  };

  /** The name if it is known; otherwise it is read, and onChange tells when it is there. */
  const known = (sender: Sender) => {
    if ("model" in sender) return modelName(sender.model);
    if (!names.has(sender.id)) void nameOf(sender);
    return names.get(sender.id);
  };

  /** A page of the app's people. */
  const page = async (cursor: string | null = null): Promise<Page<User>> => {
    const query = new URLSearchParams({ limit: "100", ...(cursor === null ? {} : { cursor }) });
    const found: Page<User> = await api.get(`/users?${query}`, { background: true });
    for (const { id, name } of found.data) names.set(id, name);
    return found;
  };

  return {
    nameOf,
    known,

    /** The name if it is known; it is not read otherwise. */
    knownAlready: (id: string) => names.get(id),

    /** "You, Ada and 3 more": at most `namesMax` names, oneself first. */
    list(ids: readonly string[], namesMax: number) {
      const sorted = ids.includes(me.id) ? [me.id, ...ids.filter((id) => id !== me.id)] : ids;
      const shown = sorted.slice(0, namesMax).map((id) => (id === me.id ? "You" : (known({ id }) ?? "…")));
      const rest = ids.length - shown.length;
      return listing.format(rest === 0 ? shown : [...shown, `${rest} more`]);
    },

    /** A round mark with the initial, in a colour of its own. */
    avatar(sender: Sender) {
      const mark = el("span", { class: "avatar", "aria-hidden": true }, initialOf(known(sender) ?? ""));
      mark.style.setProperty("--hue", String(hueOf("id" in sender ? sender.id : sender.model)));
      return mark;
    },

    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    page,

    /** The models that chats may name, as they are now. @throws ApiError */
    models,

    /** The first page of the app's people, without oneself. */
    others: async (): Promise<User[]> => (await page()).data.filter(({ id }) => id !== me.id),
  };
}

/** Roles that may do what only senders and creators may otherwise. */
export const isAdministrator = ({ role }: User) => role === "owner" || role === "admin";

function initialOf(name: string) {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first?.segment.toLocaleUpperCase() ?? "";
}

/** A colour's hue by the hash of an id (FNV-1a), so that similar ids look different. */
function hueOf(id: string) {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 8) % 360;
}

import type { Api } from "../../shared/client/api.ts";
import type { Message, Page, User } from "../../shared/client/connect.ts";
import { el, fill } from "./dom.ts";

export type Sender = Message["sender"];
export type People = ReturnType<typeof createPeople>;

const listing = new Intl.ListFormat("en", { type: "conjunction" });

type Known = Pick<User, "id" | "name"> & Partial<Pick<User, "avatarUrl">>;

/** A model that chats of the app may name. */
interface NamedModel {
  readonly id: string;
  readonly label?: string;
}

/** Where a picture of ours is loaded from: the page's own origin is that of the API. */
const ownAddress = (url: string) => {
  const at = url.indexOf("/v1/apps/");
  return at < 0 ? url : url.slice(at);
};
/** Of a picture on a dense screen, in pixels. */
const PICTURE_SIZE = 96;

/** The names and pictures of people, and the names of models. Each is read once, when it is first needed. */
export function createPeople(api: Api, me: User) {
  const names = new Map<string, string>([
    [me.id, me.name],
    ["operator", "Operator"],
  ]);
  /** Of those who have chosen one; the others have their initials. */
  const pictures = new Map<string, string>();
  const reads = new Map<string, Promise<string>>();
  const listeners = new Set<() => void>();

  const takeIn = ({ id, name, avatarUrl }: Known) => {
    names.set(id, name);
    if (avatarUrl === undefined) return;
    if (/\/v1\/apps\/[^/]+\/pictures\//.test(avatarUrl)) pictures.set(id, ownAddress(avatarUrl));
    else pictures.delete(id);
  };
  takeIn(me);
  const keep = (id: string, name: string, avatarUrl?: string) => {
    takeIn({ id, name, ...(avatarUrl === undefined ? {} : { avatarUrl }) });
    for (const listener of listeners) listener();
    return name;
  };

  const readName = async (id: string) => {
    // Servers write under their API token's id and are no users.
    if (id.startsWith("token_")) return keep(id, "A server");
    const user = await api
      .get<User>(`/users/${encodeURIComponent(id)}`, { background: true })
      .catch(() => undefined);
    return keep(id, user?.name ?? "Somebody", user?.avatarUrl);
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

  return {
    nameOf,
    known,

    /** The name if it is known; it is not read otherwise. */
    knownAlready: (id: string) => names.get(id),

    /** Takes in names and pictures that an answer has brought. */
    learn(users: readonly Known[]) {
      for (const user of users) takeIn(user);
    },

    /** Somebody has another picture now. */
    changed(user: Known) {
      takeIn(user);
      for (const listener of listeners) listener();
    },

    /** The address of a picture that somebody has chosen. */
    pictureOf: (id: string) => pictures.get(id),

    /** "You, Ada and 3 more": at most `namesMax` names, oneself first. */
    list(ids: readonly string[], namesMax: number) {
      const sorted = ids.includes(me.id) ? [me.id, ...ids.filter((id) => id !== me.id)] : ids;
      const shown = sorted.slice(0, namesMax).map((id) => (id === me.id ? "You" : (known({ id }) ?? "…")));
      const rest = ids.length - shown.length;
      return listing.format(rest === 0 ? shown : [...shown, `${rest} more`]);
    },

    /** A round mark: the picture, or else the initial in a colour of its own. */
    avatar(sender: Sender) {
      const initial = initialOf(known(sender) ?? "");
      const url = "id" in sender ? pictures.get(sender.id) : undefined;
      const mark = el(
        "span",
        { class: "avatar", "aria-hidden": true },
        url === undefined
          ? initial
          : el("img", { src: `${url}?size=${PICTURE_SIZE}`, alt: "", loading: "lazy" }),
      );
      // A picture that is gone leaves the initial.
      mark.querySelector("img")?.addEventListener("error", () => fill(mark, initial));
      mark.style.setProperty("--hue", String(hueOf("id" in sender ? sender.id : sender.model)));
      return mark;
    },

    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** The models that chats may name, as they are now. @throws ApiError */
    models,
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

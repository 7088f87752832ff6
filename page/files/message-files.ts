import type { Api } from "../../shared/client/api.ts";
import type { Message } from "../../shared/client/connect.ts";
import { el, toast } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";
import { hindranceOf, sizeOf } from "./file-words.ts";

type FileOf = NonNullable<Message["files"]>[number];

interface Address {
  readonly url: string;
  readonly expiresAt: string;
}

/** How wide a picture in a message is at most, in pixels of a dense screen. */
const PICTURE_WIDTH = 720;
/** Before the end of an address another one is asked for. */
const SPARE_MS = 60_000;

/** Shows the files of messages of one chat. An address is asked for once, and kept while it is good. */
export function createMessageFiles(api: Api, chat: number, onResize: () => void) {
  const known = new Map<string, Promise<Address>>();
  const isGood = ({ expiresAt }: Address) => Date.parse(expiresAt) - Date.now() > SPARE_MS;

  const addressOf = async (id: string, width?: number): Promise<string> => {
    const path = `/files/${id}/content?chat=${chat}${width === undefined ? "" : `&width=${width}`}`;
    const asked = known.get(path);
    if (asked !== undefined) {
      const address = await asked;
      if (isGood(address)) return address.url;
    }
    const asking = api.get<Address>(path, { headers: { accept: "application/json" } });
    known.set(path, asking);
    asking.catch(() => known.delete(path));
    return (await asking).url;
  };
  const load = (element: HTMLImageElement | HTMLMediaElement, id: string, width?: number) => {
    addressOf(id, width).then(
      (url) => (element.src = url),
      () => element.classList.add("failed"),
    );
  };

  const openPicture = ({ id, name }: FileOf) => {
    const picture = el("img", { alt: name });
    const dialog: HTMLDialogElement = el(
      "dialog",
      { class: "lightbox", "aria-label": name },
      picture,
      el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close"),
    );
    load(picture, id);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  };
  const save = async ({ id }: FileOf) => {
    try {
      location.assign(await addressOf(id));
    } catch (cause) {
      toast(messageOf(cause));
    }
  };

  const pictureOf = (file: FileOf, { width, height }: NonNullable<FileOf["image"]>) => {
    const picture = el("img", { alt: file.name, width, height, loading: "lazy" });
    load(picture, file.id, PICTURE_WIDTH);
    return el(
      "button",
      {
        type: "button",
        class: "picture",
        "aria-label": `Open ${file.name}`,
        "aria-haspopup": "dialog",
        "data-control": `picture ${file.id}`,
        onclick: () => openPicture(file),
      },
      picture,
    );
  };
  const playerOf = (kind: "video" | "audio", file: FileOf) => {
    const player = el(kind, { controls: true, preload: "metadata", "aria-label": file.name });
    player.addEventListener("loadedmetadata", onResize);
    load(player, file.id);
    return player;
  };

  return function draw(file: FileOf) {
    const hindrance = hindranceOf(file);
    const about = el("span", { class: "about" }, hindrance ?? sizeOf(file.size));
    if (hindrance !== undefined) return el("span", { class: "file" }, el("b", {}, file.name), about);
    if (file.image !== undefined) return pictureOf(file, file.image);
    const [kind] = file.type.split("/");
    if (kind === "video" || kind === "audio") return playerOf(kind, file);
    return el(
      "button",
      {
        type: "button",
        class: "file",
        "aria-label": `Save ${file.name}`,
        "data-control": `file ${file.id}`,
        onclick: () => void save(file),
      },
      el("b", {}, file.name),
      about,
    );
  };
}

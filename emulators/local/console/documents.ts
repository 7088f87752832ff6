import { el, fill } from "../../../page/frame/dom.ts";
import { messageOf } from "../../../page/frame/message-of.ts";
import type { BrowsePage, Control } from "./control.ts";

export type Document = BrowsePage["documents"][number];

/**
 * The documents in Firestore, read-only: collections below documents below collections. The meter does not
 * count what is read here.
 */
export function createDocuments(control: Control) {
  const trail = el("nav", { class: "trail", "aria-label": "Path" });
  const content = el("div", {});
  const element = el("div", {}, trail, content);
  let path = "";

  const go = async (next: string) => {
    path = next;
    drawTrail();
    await load(undefined);
  };

  const load = async (after: string | undefined) => {
    const wanted = path;
    try {
      const page = await control.browse(path, after);
      if (wanted !== path) return;
      const shown = drawPage(page);
      if (after === undefined) fill(content, ...shown);
      else content.append(...shown);
    } catch (cause) {
      fill(content, el("p", { class: "problem", role: "alert" }, messageOf(cause)));
    }
  };

  const drawTrail = () => {
    const segments = path === "" ? [] : path.split("/");
    const steps = segments.map((segment, index) => step(segment, segments.slice(0, index + 1).join("/")));
    fill(
      trail,
      step("Database", ""),
      ...steps,
      el(
        "button",
        { type: "button", class: "link again", onclick: () => void load(undefined) },
        "Read again",
      ),
    );
  };

  const step = (name: string, target: string) =>
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        ...(target === path ? { "aria-current": "page" } : {}),
        onclick: () => void go(target),
      },
      name,
    );

  const drawPage = ({ collections, document: own, documents, next }: BrowsePage) => {
    const more = el(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: () => {
          more.remove();
          void load(next);
        },
      },
      "Show more",
    );
    const isEmpty = own === undefined && collections.length + documents.length === 0;
    return [
      isEmpty && el("p", { class: "hint" }, "Nothing here."),
      own !== undefined && drawFields(own),
      collections.length > 0 &&
        el("ul", { class: "places" }, ...collections.map((id) => place(id, below(id)))),
      documents.length > 0 && el("ul", { class: "places" }, ...documents.map(drawDocument)),
      next !== undefined && more,
    ].filter((part) => part !== false);
  };

  const below = (id: string) => (path === "" ? id : `${path}/${id}`);

  const place = (name: string, target: string) =>
    el("li", {}, el("button", { type: "button", class: "link", onclick: () => void go(target) }, name));

  const drawDocument = (document: Document) =>
    el(
      "li",
      {},
      el(
        "details",
        {},
        el("summary", {}, document.id),
        drawFields(document),
        el(
          "button",
          { type: "button", class: "link", onclick: () => void go(below(document.id)) },
          "Its collections",
        ),
      ),
    );

  return { id: "documents", label: "Data", element, start: () => void go(path), stop: () => undefined };
}

const drawFields = (document: Document) =>
  el(
    "div",
    { class: "fields" },
    el("pre", { tabIndex: 0 }, JSON.stringify(document.fields, null, 2)),
    el("p", { class: "hint" }, `Written ${document.updateTime}`),
  );

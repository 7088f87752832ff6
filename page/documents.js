import { el, fill } from "./dom.js";

/** @typedef {import("./control.js").BrowsePage} BrowsePage */
/** @typedef {BrowsePage["documents"][number]} Document */

/**
 * The documents in Firestore, read-only: collections below documents below collections. Looking costs
 * nothing; it goes past the meter.
 *
 * @param {import("./control.js").Control} control
 */
export function createDocuments(control) {
  const trail = el("nav", { class: "trail", "aria-label": "Path" });
  const content = el("div", {});
  const element = el("div", {}, trail, content);
  let path = "";

  /** @param {string} next */
  const go = async (next) => {
    path = next;
    drawTrail();
    await load(undefined);
  };

  /** @param {string | undefined} after */
  const load = async (after) => {
    const wanted = path;
    try {
      const page = await control.browse(path, after);
      if (wanted !== path) return;
      const shown = drawPage(page);
      if (after === undefined) fill(content, ...shown);
      else content.append(...shown);
    } catch (cause) {
      fill(content, el("p", { class: "problem", role: "alert" }, /** @type {Error} */ (cause).message));
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

  /** @param {string} name @param {string} target */
  const step = (name, target) =>
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

  /** @param {BrowsePage} page */
  const drawPage = ({ collections, document: own, documents, next }) => {
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

  /** @param {string} id */
  const below = (id) => (path === "" ? id : `${path}/${id}`);

  /** @param {string} name @param {string} target */
  const place = (name, target) =>
    el("li", {}, el("button", { type: "button", class: "link", onclick: () => void go(target) }, name));

  /** @param {Document} document */
  const drawDocument = (document) =>
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

/** @param {Document} document */
const drawFields = (document) =>
  el(
    "div",
    { class: "fields" },
    el("pre", { tabIndex: 0 }, JSON.stringify(document.fields, null, 2)),
    el("p", { class: "hint" }, `Written ${document.updateTime}`),
  );

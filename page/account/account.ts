import type { Api } from "../../shared/client/api.ts";
import type { Page, User } from "../../shared/client/connect.ts";
import { showInDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { exactTimeOf, listTimeOf } from "../frame/format.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";
import { createExportSection } from "../moving/export-section.ts";
import { createImportSection } from "../moving/import-section.ts";
import type { Imports } from "../moving/imports.ts";
import type { Jobs } from "../moving/jobs.ts";
import type { Blocked, Blocks } from "./blocks.ts";
import { createOwnPicture } from "./own-picture.ts";

interface OpenSession {
  readonly id: string;
  readonly device: string;
  readonly ip?: string;
  readonly lastUsedAt: string;
  readonly current: boolean;
}

export interface AccountOptions {
  readonly api: Api;
  readonly people: People;
  readonly blocks: Blocks;
  readonly jobs: Jobs;
  readonly imports: Imports;
  readonly me: User;
}

/**
 * One's picture, where a person is signed in, with a way to end each, whom they have blocked, and what they
 * bring in and take out.
 */
export function showAccount({ api, people, blocks, jobs, imports, me }: AccountOptions) {
  const problem = el("p", { class: "problem", role: "alert" });
  const tell = (work: () => Promise<unknown>) => {
    fill(problem);
    work().catch((cause: unknown) => fill(problem, messageOf(cause)));
  };
  const sessions = createSessionList(api, tell);
  const blocked = createBlockedList(people, blocks, tell);
  const exports = createExportSection({ jobs, tell });
  const bringing = createImportSection({ imports, jobs, tell });
  const dialog = showInDialog(
    "Account",
    el("h3", {}, "Your picture"),
    createOwnPicture({ api, people, me, tell }),
    el("h3", {}, "Where you are signed in"),
    ...sessions.elements,
    el("h3", {}, "People you have blocked"),
    ...blocked.elements,
    el("h3", {}, "Your data"),
    bringing.element,
    exports.element,
    problem,
  );
  dialog.classList.add("account");
  const forget = people.onChange(blocked.update);
  dialog.addEventListener("close", () => {
    forget();
    exports.forget();
    bringing.forget();
  });
  // A file that misses its place is not opened instead of the page.
  for (const type of ["dragover", "drop"]) dialog.addEventListener(type, (event) => event.preventDefault());
  tell(sessions.read);
  tell(blocked.read);
  tell(imports.read);
}

/** Begins work of which the dialog says how it failed. */
type Tell = (work: () => Promise<unknown>) => void;

function createSessionList(api: Api, tell: Tell) {
  const list = el("ul", { class: "rows", "aria-label": "Where you are signed in" });
  const more = el("button", { type: "button", class: "link", hidden: true }, "More");
  let found: OpenSession[] = [];
  let next: string | null = null;

  const rowOf = ({ id, device, ip, lastUsedAt, current }: OpenSession) => {
    const end = async () => {
      await api.delete(`/auth/sessions/${id}`);
      found = found.filter((each) => each.id !== id);
      update();
    };
    const when = current ? "this one" : `last used ${listTimeOf(lastUsedAt)}`;
    const where = ip === undefined ? "" : ` · ${ip}`;
    return el(
      "li",
      {},
      el(
        "span",
        { class: "row-about" },
        device === "" ? "An unknown device" : device,
        el("small", { title: exactTimeOf(lastUsedAt) }, when, where),
      ),
      !current &&
        el(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `End the session on ${device}`,
            onclick: () => tell(end),
          },
          "End",
        ),
    );
  };
  const update = () => {
    fill(list, ...found.map(rowOf));
    more.hidden = next === null;
  };
  const read = async () => {
    const query = next === null ? "" : `?cursor=${encodeURIComponent(next)}`;
    const page = await api.get<Page<OpenSession>>(`/me/sessions${query}`);
    found = [...found, ...page.data];
    next = page.next;
    update();
  };
  more.addEventListener("click", () => tell(read));
  return { elements: [list, more], read };
}

function createBlockedList(people: People, blocks: Blocks, tell: Tell) {
  const list = el("ul", { class: "rows", "aria-label": "People you have blocked" });
  const nobody = el("p", { class: "hint", hidden: true }, "Nobody.");
  let found: readonly Blocked[] | undefined;

  const rowOf = ({ user }: Blocked) => {
    const name = people.known({ id: user }) ?? "…";
    const unblock = async () => {
      await blocks.unblock(user);
      found = found?.filter((each) => each.user !== user);
      update();
    };
    return el(
      "li",
      {},
      people.avatar({ id: user }),
      el("span", { class: "row-about" }, name),
      el(
        "button",
        { type: "button", class: "quiet", "aria-label": `Unblock ${name}`, onclick: () => tell(unblock) },
        "Unblock",
      ),
    );
  };
  const update = () => {
    nobody.hidden = found === undefined || found.length > 0;
    fill(list, ...(found ?? []).map(rowOf));
  };
  const read = async () => {
    found = await blocks.list();
    update();
  };
  return { elements: [nobody, list], read, update };
}

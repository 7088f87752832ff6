import type { Api } from "../../shared/client/api.ts";
import { ApiError } from "../../shared/client/api-error.ts";
import { platformEnvironment } from "../../shared/client/environment.ts";
import { type BegunUpload, uploadFile } from "../../shared/client/upload.ts";
import { el, fill } from "../frame/dom.ts";
import { icon } from "../frame/icons.ts";
import { messageOf } from "../frame/message-of.ts";
import { sizeOf } from "./file-words.ts";
import { createKeptUploads, isSameFile, type KeptUpload, type Proof, proofWith } from "./kept-uploads.ts";

/** The API's limit for the files of a message. */
export const FILES_MAX = 10;

interface Attachment {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly at: number;
  /** Absent after a reload where the browser has not kept it, until it is chosen again. */
  content: File | undefined;
  ending: AbortController;
  begun: BegunUpload | undefined;
  proof: Proof | undefined;
  sent: number;
  /** Once it is uploaded. */
  id: string | undefined;
  problem: string | undefined;
}

export interface AttachmentsOptions {
  readonly api: Api;
  /** Whose they are, and in which chat or thread: what a reload finds them again by. */
  readonly place: string;
  onChange(): void;
}

/**
 * Files that go with the message that is being written: chosen, pasted or dropped. Each is uploaded at once,
 * shows how far it is, and can be taken out, or tried again where that failed. After a reload they are there
 * again, and go on where they were; a file whose bytes the browser has not kept has to be chosen again.
 */
export function createAttachments({ api, place, onChange }: AttachmentsOptions) {
  let all: Attachment[] = [];
  const kept = createKeptUploads(place);
  const list = el("ul", { class: "attachments", "aria-label": "Files", hidden: true });
  const input = el("input", { type: "file", multiple: true, hidden: true });
  const again = el("input", { type: "file", hidden: true });
  const button = el(
    "button",
    { type: "button", class: "quiet attach", "aria-label": "Attach files …", title: "Attach files …" },
    icon("clip"),
  );

  const draw = () => {
    list.hidden = all.length === 0;
    fill(list, ...all.map((each) => rowOf(each)));
    onChange();
  };
  const keep = ({ key, name, size, at, begun, proof, id, content }: Attachment) =>
    void kept.put({
      key,
      name,
      size,
      at,
      ...(begun === undefined ? {} : { begun }),
      ...(proof === undefined ? {} : { proof }),
      ...(id === undefined ? {} : { id }),
      ...(content === undefined || id !== undefined ? {} : { content }),
    });

  const rowOf = (each: Attachment) => {
    const { name, size, sent, id, problem, content } = each;
    const remove = () => {
      each.ending.abort();
      all = all.filter((other) => other !== each);
      void kept.remove(each.key);
      draw();
    };
    const isLost = id === undefined && content === undefined;
    const progress = el("progress", { max: size, value: sent, "aria-label": `${name}, uploading` });
    const act = (label: string, spoken: string, onclick: () => void) =>
      el("button", { type: "button", "aria-label": spoken, onclick }, label);
    return el(
      "li",
      { class: problem === undefined ? "" : "failed" },
      el("span", { class: "name" }, name),
      problem === undefined
        ? el("span", { class: "about" }, isLost ? "Was not uploaded whole." : sizeOf(size))
        : el("span", { class: "about", role: "alert" }, problem),
      id === undefined && problem === undefined && !isLost && progress,
      isLost && act("Choose it again", `Choose ${name} again, to go on`, () => chooseAgain(each)),
      problem !== undefined && !isLost && act("Try again", `Try ${name} again`, () => void upload(each)),
      el("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: remove }, "✕"),
    );
  };

  const upload = async (each: Attachment) => {
    const { content } = each;
    if (content === undefined) return;
    each.ending = new AbortController();
    Object.assign(each, { sent: 0, problem: undefined });
    draw();
    const { signal } = each.ending;
    let proving = Promise.resolve();
    const onProgress = (sent: number) => {
      each.sent = sent;
      draw();
      if (each.begun === undefined) return;
      proving = proving.then(async () => {
        if (sent <= (each.proof?.ends.at(-1) ?? 0)) return;
        each.proof = await proofWith(each.proof, content, sent);
        if (all.includes(each)) keep(each);
      });
    };
    const onBegin = (begun: BegunUpload) => {
      Object.assign(each, { begun, proof: undefined });
      keep(each);
    };
    try {
      const { name, begun } = each;
      const file = await uploadFile({ api, env: platformEnvironment }, content, {
        name,
        onProgress,
        onBegin,
        signal,
        ...(begun === undefined ? {} : { begun }),
      });
      await proving;
      each.id = file.id;
      if (all.includes(each)) keep(each);
    } catch (cause) {
      if (signal.aborted) return;
      each.problem = messageOf(cause);
      // What the bucket refuses to go on with begins anew.
      const isRefused = cause instanceof ApiError && cause.status !== 0 && !cause.isTransient;
      if (isRefused) each.begun = undefined;
    }
    draw();
  };

  /** The one that is asked for. */
  let missing: Attachment | undefined;
  const chooseAgain = (each: Attachment) => {
    missing = each;
    again.click();
  };
  const takeAgain = async (each: Attachment, content: File) => {
    if (await isSameFile(content, each)) {
      each.content = content;
      void upload(each);
      return;
    }
    each.problem = "It is another file.";
    draw();
  };
  again.addEventListener("change", () => {
    const [content] = again.files ?? [];
    if (content !== undefined && missing !== undefined) void takeAgain(missing, content);
    again.value = "";
  });

  const newAttachment = (from: Pick<Attachment, "key" | "name" | "size" | "at">): Attachment => ({
    ...from,
    content: undefined,
    ending: new AbortController(),
    begun: undefined,
    proof: undefined,
    sent: 0,
    id: undefined,
    problem: undefined,
  });

  const add = (files: Iterable<File>) => {
    for (const content of files) {
      if (all.length === FILES_MAX) break;
      const { name, size } = content;
      const each = newAttachment({ key: crypto.randomUUID(), name, size, at: Date.now() });
      each.content = content;
      all.push(each);
      keep(each);
      void upload(each);
    }
  };
  const restore = (found: readonly KeptUpload[]) => {
    for (const { key, name, size, at, ...rest } of found.slice(0, FILES_MAX - all.length)) {
      const each = Object.assign(newAttachment({ key, name, size, at }), rest);
      all.push(each);
      if (each.id === undefined) void upload(each);
    }
    if (found.length > 0) draw();
  };
  void kept.list().then(restore);

  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add(input.files ?? []);
    input.value = "";
  });

  return {
    /** What stands above the field, and the button beside it. */
    list,
    button: el("span", { class: "attaching" }, button, input, again),
    add,
    /** Something is on its way, or has failed and waits for a word. */
    get isOpen() {
      return all.some(({ id }) => id === undefined);
    },
    get ids(): string[] {
      return all.flatMap(({ id }) => id ?? []);
    },
    /** They went with a message. */
    clear() {
      for (const { key } of all) void kept.remove(key);
      all = [];
      draw();
    },
    /** Nobody looks any more: what is on its way goes on when somebody comes back. */
    leave() {
      for (const { ending } of all) ending.abort();
    },
  };
}

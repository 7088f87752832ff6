import type { Api } from "../../shared/client/api.ts";
import type { User } from "../../shared/client/connect.ts";
import { platformEnvironment } from "../../shared/client/environment.ts";
import { uploadFile } from "../../shared/client/upload.ts";
import { hindranceOf } from "../files/file-words.ts";
import { announce, el, fill } from "../frame/dom.ts";
import type { People } from "../frame/people.ts";

/** How often it is asked whether an image has been checked. */
const LOOK_MS = 400;

export interface OwnPictureOptions {
  readonly api: Api;
  readonly people: People;
  readonly me: User;
  /** Says how the work failed. */
  tell(work: () => Promise<unknown>): void;
}

/** One's own picture, with ways to choose another and to take it away. */
export function createOwnPicture({ api, people, me, tell }: OwnPictureOptions) {
  const shown = el("span", { class: "own-picture" });
  const input = el("input", { type: "file", accept: "image/*", hidden: true });
  const choose = el("button", { type: "button", onclick: () => input.click() }, "Choose a picture …");
  const remove = el("button", { type: "button", class: "quiet" }, "Take it away");
  const state = el("span", { class: "hint", role: "status" });

  const draw = () => {
    fill(shown, people.avatar({ id: me.id }));
    remove.hidden = people.pictureOf(me.id) === undefined;
  };
  const took = (user: User, words: string) => {
    people.changed(user);
    draw();
    announce(words);
  };

  const upload = async (image: File) => {
    choose.disabled = true;
    fill(state, "Is being uploaded …");
    try {
      const ends = { name: image.name, purpose: "avatar" as const };
      let file = await uploadFile({ api, env: platformEnvironment }, image, ends);
      while (file.status === "pending" || file.status === "checking") {
        fill(state, "Is being checked …");
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        file = await api.get(`/files/${file.id}`);
      }
      const hindrance = hindranceOf(file);
      if (hindrance !== undefined) throw new Error(hindrance);
      took(await api.put<User>("/me/avatar", { file: file.id }), "This is your picture now.");
    } finally {
      choose.disabled = false;
      fill(state);
    }
  };
  input.addEventListener("change", () => {
    const [image] = input.files ?? [];
    if (image !== undefined) tell(() => upload(image));
    input.value = "";
  });
  remove.addEventListener("click", () =>
    tell(async () => {
      await api.delete("/me/avatar");
      took(await api.get<User>("/me"), "Your picture is gone.");
    }),
  );
  draw();
  return el("div", { class: "own-picture-row" }, shown, choose, remove, input, state);
}

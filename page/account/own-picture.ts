import type { Api } from "../../shared/client/api.ts";
import type { User } from "../../shared/client/connect.ts";
import { uploadChecked } from "../files/upload-checked.ts";
import { announce, el, fill } from "../frame/dom.ts";
import type { People } from "../frame/people.ts";

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
      const { id } = await uploadChecked(api, image, {
        name: image.name,
        purpose: "avatar",
        onSent: () => fill(state, "Is being checked …"),
      });
      took(await api.put<User>("/me/avatar", { file: id }), "This is your picture now.");
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

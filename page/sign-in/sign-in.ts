import type { ClientSession } from "../../shared/client/session.ts";
import { type Child, el, fill } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import { messageOf } from "../frame/message-of.ts";

/** As many characters of a name as the API takes. */
const NAME_CHARS_MAX = 100;

export interface SignInOptions {
  readonly element: HTMLElement;
  readonly session: ClientSession;
  /** Tells whether the person wants the session in every tab. */
  onStay(stay: boolean): void;
  readonly appName: string;
  onCodeSent(): void;
}

/** Sign-in by e-mail and mailed code. */
export function showSignIn({ element, session, appName, onStay, onCodeSent }: SignInOptions) {
  let email = "";
  let codeField: HTMLInputElement | undefined;

  /**
   * @param after elements below the button
   */
  const step = (
    content: Child[],
    action: string,
    submit: (form: FormData) => Promise<void>,
    ...after: Child[]
  ) => {
    const problem = el("p", { class: "problem", role: "alert" });
    const go = el("button", { type: "submit", class: "primary wide" }, action);
    const form = el("form", { class: "card" }, ...content, problem, go, ...after);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      fill(problem);
      await submit(new FormData(form)).catch((cause: unknown) => fill(problem, messageOf(cause)));
      go.disabled = false;
    });
    fill(element, el("div", { class: "sign-in" }, form));
    form.querySelector("input")?.focus();
  };

  /** Shown once the app has said that it takes guests. */
  const guestLink = el(
    "button",
    { type: "button", class: "link", hidden: true, onclick: () => showGuestStep() },
    "Come in without an address",
  );
  session.options().then(
    ({ guests }) => {
      guestLink.hidden = !guests;
    },
    // Signing in says itself what is wrong.
    () => undefined,
  );

  const showGuestStep = () => {
    codeField = undefined;
    step(
      [
        el("h1", {}, "Come in as a guest"),
        el(
          "p",
          { class: "lead" },
          "Without an address nobody can sign in again: the chats stay on this device.",
        ),
        el(
          "label",
          { class: "field" },
          "Your name",
          el("input", { name: "name", required: true, maxLength: NAME_CHARS_MAX, autocomplete: "nickname" }),
        ),
      ],
      "Come in",
      async (form) => {
        onStay(true);
        await session.enterAsGuest(fieldOf(form, "name"));
      },
      el("button", { type: "button", class: "link", onclick: showEmailStep }, "Sign in with an address"),
    );
  };

  const showEmailStep = () => {
    codeField = undefined;
    step(
      [
        el("h1", {}, "Sign in"),
        el(
          "p",
          { class: "lead" },
          `To the app “${appName}” on this machine. Any address will do: the code comes to the mailbox of the console, not to the world.`,
        ),
        el(
          "label",
          { class: "field" },
          "E-mail address",
          el("input", {
            type: "email",
            name: "email",
            value: email,
            required: true,
            autocomplete: "email",
            placeholder: "ada@example.com",
          }),
        ),
      ],
      "Send the code",
      async (form) => {
        email = fieldOf(form, "email");
        showCodeStep(await session.askForCode(email));
        onCodeSent();
      },
      guestLink,
    );
  };

  const showCodeStep = (challenge: string) => {
    codeField = el("input", {
      name: "code",
      required: true,
      inputMode: "numeric",
      autocomplete: "one-time-code",
      title: "Six digits",
      class: "code-field",
    });
    step(
      [
        el("h1", {}, "The code, please"),
        el(
          "p",
          { class: "lead" },
          `A mail to ${email} holds six digits. Choose them in the mailbox to fill them in.`,
        ),
        el("label", { class: "field" }, "Code", codeField),
        el(
          "label",
          { class: "check" },
          el("input", { type: "checkbox", name: "stay" }),
          el("span", {}, "Stay signed in, in every tab"),
        ),
      ],
      "Sign in",
      async (form) => {
        onStay(form.get("stay") !== null);
        await session.signIn(challenge, fieldOf(form, "code"));
      },
      el("button", { type: "button", class: "link", onclick: showEmailStep }, "Use another address"),
    );
  };

  showEmailStep();
  return {
    /** Fills in a code that was chosen in the mailbox; false when none is asked for. */
    fillIn(code: string) {
      if (codeField === undefined || !codeField.isConnected) return false;
      codeField.value = code;
      codeField.form?.querySelector<HTMLButtonElement>("button[type=submit]")?.focus();
      return true;
    },
  };
}

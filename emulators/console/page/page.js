import { createApi, sendAndTell } from "./api.js";
import { askForNewChat } from "./chat-dialogs.js";
import { showChat } from "./chat-view.js";
import { showChats } from "./chats.js";
import { createConsole } from "./console.js";
import { findControl } from "./control.js";
import { byId, el, fill, isFreeEscape, toast } from "./dom.js";
import { createPeople } from "./people.js";
import { createSession } from "./session.js";
import { showSignIn } from "./sign-in.js";

/** @typedef {import("./types.js").User} User */

/** The app that `npm start` creates; the page works with it where there is no suite to ask. */
const APP_DEFAULT = "demo";

/** There is room for one thing at a time; as in layout.css. */
const NARROW = matchMedia("(max-width: 720px)");

const body = document.body;
const main = byId("main");
const sidebar = byId("sidebar");
const signOut = byId("sign-out");

/** The chat that the address names; 0 for none. */
const chatInAddress = () => Number(/^#\/chats\/(\d+)$/.exec(location.hash)?.[1] ?? 0);

/**
 * The page for somebody who is signed in.
 *
 * @param {import("./api.js").Api} api
 * @param {User} me
 */
function showPlayground(api, me) {
  const ending = new AbortController();
  const people = createPeople(api, me);
  /** @type {ReturnType<typeof showChat> | undefined} */
  let open;

  const create = async () => {
    const others = await people.others().catch(() => []);
    askForNewChat(api, others, (chat) => {
      chats.put(chat);
      location.hash = `#/chats/${chat.number}`;
    });
  };
  const chats = showChats({
    element: sidebar,
    api,
    me: me.id,
    people,
    onNew: () => void create(),
    onChange: () => open?.update(),
  });

  const follow = () => {
    const number = chatInAddress();
    open?.close();
    open = undefined;
    body.dataset["view"] = number === 0 ? "chats" : "chat";
    chats.select(number);
    if (number === 0) {
      showWelcome(main, me, () => void create());
      return;
    }
    const onGone = () => {
      location.hash = "#/";
    };
    open = showChat({ element: main, api, me, people, chats, number, onGone });
    open.focus();
  };

  addEventListener("hashchange", follow, { signal: ending.signal });
  addEventListener(
    "keydown",
    (event) => {
      // Where one thing is shown at a time, Escape leads back to the list.
      if (isFreeEscape(event) && NARROW.matches) location.hash = "#/";
    },
    { signal: ending.signal },
  );
  sidebar.hidden = false;
  follow();
  return () => {
    ending.abort();
    open?.close();
    chats.close();
    sidebar.hidden = true;
  };
}

/** @param {HTMLElement} element @param {User} me @param {() => void} onNew */
function showWelcome(element, me, onNew) {
  fill(
    element,
    el(
      "div",
      { class: "empty welcome" },
      el("h1", {}, `Hello, ${me.name}`),
      el(
        "p",
        {},
        "Choose a chat, or start one. To talk with yourself, sign in as somebody else in another tab.",
      ),
      el("button", { type: "button", class: "primary", onclick: onNew }, "New chat"),
    ),
  );
}

async function start() {
  const control = await findControl();
  const appId = (await control?.info().catch(() => undefined))?.app.id ?? APP_DEFAULT;
  /** @type {((code: string) => boolean) | undefined} */
  let fillIn;
  const console = createConsole(control, (code) => {
    if (fillIn?.(code) !== true) toast("No code is asked for at the moment.");
  });
  const base = `/v1/apps/${encodeURIComponent(appId)}`;
  const session = createSession(base, `scrollback:${appId}`, sendAndTell(console.tell));
  const api = createApi(base, session, console.tell);

  /** @type {(() => void) | undefined} */
  let close;
  const show = (/** @type {User | undefined} */ user) => {
    close?.();
    close = undefined;
    fillIn = undefined;
    const who = byId("who");
    who.hidden = signOut.hidden = user === undefined;
    fill(who, user?.name);
    body.dataset["signedIn"] = user === undefined ? "no" : "yes";
    console.follow(user !== undefined);
    if (user === undefined) {
      fillIn = showSignIn({ element: main, session, appName: appId, onCodeSent: console.expectMail }).fillIn;
    } else {
      close = showPlayground(api, user);
    }
  };
  signOut.addEventListener("click", () => void session.signOut());
  session.onChange(show);

  const resume = async () => {
    try {
      if (session.hasStored() && (await session.refresh())) show(session.user);
      else show(undefined);
    } catch (cause) {
      showUnreachable(/** @type {Error} */ (cause), () => void resume());
    }
  };
  await resume();
}

/** @param {Error} cause @param {() => void} again */
function showUnreachable(cause, again) {
  fill(
    main,
    el(
      "div",
      { class: "empty welcome" },
      el("h1", {}, "The API doesn't answer"),
      el("p", {}, cause.message),
      el("button", { type: "button", class: "primary", onclick: again }, "Try again"),
    ),
  );
}

await start();

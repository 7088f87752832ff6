import { askForNewChat } from "./chat-dialogs.js";
import { showChat } from "./chat-view.js";
import { showChats } from "./chats.js";
import { connect } from "./client/connect.js";
import { webStore } from "./client/environment.js";
import { showConnection } from "./connection.js";
import { createConsole } from "./console.js";
import { findControl } from "./control.js";
import { byId, el, fill, isFreeEscape, toast } from "./dom.js";
import { createPeople } from "./people.js";
import { createSessionStore } from "./session-store.js";
import { showSignIn } from "./sign-in.js";

/** @typedef {import("./types.js").User} User */
/** @typedef {import("./types.js").Desk} Desk */

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
 * @param {import("./types.js").Api} api
 * @param {Desk} desk
 */
function showPlayground(api, desk) {
  const { me } = desk;
  const ending = new AbortController();
  const people = createPeople(api, me);
  /** @type {ReturnType<typeof showChat> | undefined} */
  let open;

  const create = async () => {
    const others = await people.others().catch(() => []);
    askForNewChat(api, others, (chat) => {
      desk.chats.took(chat);
      location.hash = `#/chats/${chat.number}`;
    });
  };
  const chats = showChats({
    element: sidebar,
    desk,
    people,
    onNew: () => void create(),
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
    open = showChat({ element: main, api, desk, people, chats, number, onGone });
    open.focus();
  };

  addEventListener("hashchange", follow, { signal: ending.signal });
  addEventListener("online", desk.wake, { signal: ending.signal });
  addEventListener(
    "keydown",
    (event) => {
      // Where one thing is shown at a time, Escape leads back to the list.
      if (isFreeEscape(event) && NARROW.matches) location.hash = "#/";
    },
    { signal: ending.signal },
  );
  document.addEventListener(
    "visibilitychange",
    () => {
      if (!document.hidden) desk.wake();
    },
    { signal: ending.signal },
  );
  const forgetBanner = showConnection(desk);
  sidebar.hidden = false;
  follow();
  return () => {
    ending.abort();
    forgetBanner();
    open?.close();
    chats.close();
    desk.close();
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
  const sessions = createSessionStore(`scrollback:${appId}`);
  const client = connect({
    url: "",
    app: appId,
    sessions,
    store: webStore(localStorage),
    onDone({ requestId, background, ...done }) {
      // What the page asks by itself is not what somebody wants to know the cost of.
      if (requestId !== undefined && !background) console.tell({ ...done, requestId });
    },
  });
  const { session } = client;

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
      const { choose: onStay } = sessions;
      const { expectMail: onCodeSent } = console;
      fillIn = showSignIn({ element: main, session, appName: appId, onStay, onCodeSent }).fillIn;
    } else {
      close = showPlayground(client.api, client.open());
    }
  };
  signOut.addEventListener("click", () => void session.signOut());
  session.on("change", show);

  const resume = async () => {
    try {
      // Who is signed in is shown as soon as the session says so.
      if (!sessions.hasSession() || !(await session.resume())) show(undefined);
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

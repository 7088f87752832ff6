import { askForNewChat } from "./chat-dialogs.js";
import { showChat } from "./chat-view.js";
import { showChats } from "./chats.js";
import { connect } from "./client/connect.js";
import { webStore } from "./client/environment.js";
import { showConnection } from "./connection.js";
import { createConsole } from "./console.js";
import { findControl } from "./control.js";
import { byId, el, fill, isFreeEscape, toast } from "./dom.js";
import { createModels } from "./models.js";
import { createPeople } from "./people.js";
import { createSearchBox } from "./search-box.js";
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

/** The chat that the address names, and the message in it; 0 for none. */
const placeInAddress = () => {
  const [, chat, message] = /^#\/chats\/(\d+)(?:\/(\d+))?$/.exec(location.hash) ?? [];
  return { chat: Number(chat ?? 0), message: Number(message ?? 0) };
};

/**
 * The page for somebody who is signed in.
 *
 * @param {import("./types.js").Api} api
 * @param {Desk} desk
 * @param {import("./models.js").Models | undefined} models
 */
function showPlayground(api, desk, models) {
  const { me } = desk;
  const ending = new AbortController();
  const people = createPeople(api, me);
  /** @type {ReturnType<typeof showChat> | undefined} */
  let open;
  /** The chat that is open. */
  let shown = 0;

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
    onSearch: () => search.show(),
  });
  const search = createSearchBox({
    desk,
    people,
    chats,
    open: () => shown,
    onChoose(chat, message) {
      const to = `#/chats/${chat}/${message}`;
      if (location.hash === to) open?.jumpTo(message);
      else location.hash = to;
    },
  });

  const follow = () => {
    const { chat: number, message } = placeInAddress();
    if (number !== shown || open === undefined) enter(number);
    if (message !== 0) open?.jumpTo(message);
  };

  /** @param {number} number */
  const enter = (number) => {
    open?.close();
    open = undefined;
    shown = number;
    body.dataset["view"] = number === 0 ? "chats" : "chat";
    chats.select(number);
    if (number === 0) {
      showWelcome(main, me, () => void create());
      return;
    }
    const onGone = () => {
      location.hash = "#/";
    };
    // What the address says of a message is over once somebody is back at the end.
    const onReturn = () => history.replaceState(null, "", `#/chats/${number}`);
    open = showChat({ element: main, api, desk, people, chats, number, models, onGone, onReturn });
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
    search.close();
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
  const info = await control?.info().catch(() => undefined);
  const appId = info?.app.id ?? APP_DEFAULT;
  const models = control && info && createModels(control, info.operatorKey);
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
      close = showPlayground(client.api, client.open(), models);
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

import type { Api } from "../shared/client/api.ts";
import { type Chat, connect, type Desk, type User } from "../shared/client/connect.ts";
import { webStore } from "../shared/client/environment.ts";
import { showAccount } from "./account/account.ts";
import { createBlocks } from "./account/blocks.ts";
import { openNewChatDialog } from "./chat/chat-dialogs.ts";
import { showChat } from "./chat/chat-view.ts";
import { showChats } from "./chat/chats.ts";
import { forgetUploads } from "./files/kept-uploads.ts";
import { showConnection } from "./frame/connection.ts";
import { byId, el, fill, isFreeEscape, toast } from "./frame/dom.ts";
import { createPeople } from "./frame/people.ts";
import { findSuite, type Suite } from "./frame/suite.ts";
import { createImports } from "./moving/imports.ts";
import { createJobs } from "./moving/jobs.ts";
import { createSearchBox } from "./search/search-box.ts";
import { createDeviceCookie } from "./sign-in/device-cookie.ts";
import { createSessionStore } from "./sign-in/session-store.ts";
import { showSignIn } from "./sign-in/sign-in.ts";

/** The app that `npm start` creates. The page uses it where no suite names another. */
const APP_DEFAULT = "demo";

/** There is room for one thing at a time; as in layout.css. */
const NARROW = matchMedia("(max-width: 720px)");

const body = document.body;
const main = byId("main");
const sidebar = byId("sidebar");
const signOut = byId("sign-out");
const account = byId("account");

/** The chat that the address names, and the message in it; 0 for none. */
const placeInAddress = () => {
  const [, chat, message] = /^#\/chats\/(\d+)(?:\/(\d+))?$/.exec(location.hash) ?? [];
  return { chat: Number(chat ?? 0), message: Number(message ?? 0) };
};

/** In place of the page's own mark. */
async function showLogo(api: Api) {
  const { logoUrl, name } = await api
    .get<{ readonly name: string; readonly logoUrl?: string }>("", { background: true })
    .catch(() => ({ logoUrl: undefined, name: "" }));
  const mark = document.querySelector(".brand svg, .brand img");
  if (logoUrl === undefined || mark === null) return;
  const at = logoUrl.indexOf("/v1/apps/");
  mark.replaceWith(el("img", { src: `${logoUrl.slice(at)}?size=96`, alt: name, width: 26, height: 26 }));
}

/** The page for somebody who is signed in. */
function showPlayground(api: Api, desk: Desk, suite: Suite | undefined) {
  const { me } = desk;
  const ending = new AbortController();
  const people = createPeople(api, me);
  const blocks = createBlocks(api);
  const jobs = createJobs(api, desk);
  const imports = createImports(api, jobs);
  let open: ReturnType<typeof showChat> | undefined;
  /** The chat that is open. */
  let shown = 0;

  const create = async () => {
    const models = await people.models().catch(() => []);
    const onCreated = (chat: Chat) => {
      desk.chats.took(chat);
      location.hash = `#/chats/${chat.number}`;
    };
    openNewChatDialog(api, { desk, people, models, onCreated });
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

  const enter = (number: number) => {
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
    // The address no longer names the message once the reader is back at the end.
    const onReturn = () => history.replaceState(null, "", `#/chats/${number}`);
    open = showChat({ element: main, api, desk, people, blocks, chats, number, suite, onGone, onReturn });
    open.focus();
  };

  account.addEventListener("click", () => showAccount({ api, people, blocks, jobs, imports, me }), {
    signal: ending.signal,
  });
  addEventListener("hashchange", follow, { signal: ending.signal });
  addEventListener("online", desk.wake, { signal: ending.signal });
  addEventListener(
    "keydown",
    (event) => {
      // In a narrow window Escape leads back to the list.
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
  void showLogo(api);
  const forgetBanner = showConnection(desk);
  sidebar.hidden = false;
  follow();
  return () => {
    ending.abort();
    forgetBanner();
    open?.close();
    search.close();
    chats.close();
    imports.close();
    jobs.close();
    desk.close();
    sidebar.hidden = true;
  };
}

function showWelcome(element: HTMLElement, me: User, onNew: () => void) {
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
  const suite = await findSuite();
  const appId = suite?.appId ?? APP_DEFAULT;
  let fillIn: ((code: string) => boolean) | undefined;
  const console = suite?.openConsole((code) => {
    if (fillIn?.(code) !== true) toast("No code is asked for at the moment.");
  });
  const sessions = createSessionStore(`scrollback:${appId}`, createDeviceCookie(appId));
  const client = connect({
    url: "",
    app: appId,
    sessions,
    store: webStore(localStorage),
    onDone({ requestId, background, ...done }) {
      // People want to know the cost of what they do, not of the page's own requests.
      if (requestId !== undefined && !background) console?.tell({ ...done, requestId });
    },
  });
  const { session } = client;

  let close: (() => void) | undefined;
  const show = (user: User | undefined) => {
    close?.();
    close = undefined;
    fillIn = undefined;
    const who = byId("who");
    who.hidden = signOut.hidden = account.hidden = user === undefined;
    fill(who, user?.name);
    body.dataset["signedIn"] = user === undefined ? "no" : "yes";
    console?.follow(user !== undefined);
    if (user === undefined) {
      const { choose: onStay } = sessions;
      const onCodeSent = (): void => console?.expectMail();
      fillIn = showSignIn({ element: main, session, appName: appId, onStay, onCodeSent }).fillIn;
    } else {
      close = showPlayground(client.api, client.open(), suite);
    }
  };
  signOut.addEventListener("click", () => {
    forgetUploads();
    void session.signOut();
  });
  session.on("change", show);

  const resume = async () => {
    try {
      // The session's "change" event shows the person who is signed in.
      if (!sessions.hasSession() || !(await session.resume())) show(undefined);
    } catch (cause) {
      showUnreachable(cause as Error, () => void resume());
    }
  };
  await resume();
}

function showUnreachable(cause: Error, again: () => void) {
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

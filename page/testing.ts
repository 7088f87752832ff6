import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { type LocalSystem, startLocalSystem } from "../emulators/local/local-system.ts";
import { anyPorts } from "../emulators/local/ports.ts";

/** Where the browser is; without one the page's tests are skipped. */
/** The one without windows takes a quarter less time. */
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const CHROMIUM = process.env["CHROMIUM"] ?? BROWSERS.find((path) => existsSync(path)) ?? "";
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser)
  console.warn("There is no Chromium where one is looked for; tests are skipped. Set CHROMIUM.");

const PROJECT = "demo-page";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Longer than anything takes on a busy machine; a test that waits for what never comes ends by it. */
const WAIT_MS_MAX = 10_000;

/** A system and a browser start within it, however many do at once. */
const START_MS_MAX = 120_000;

/** A person at a browser of their own. */
export interface Visitor extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about: exceptions, and refusals of its content security policy. */
  readonly complaints: string[];
}

export interface Pair extends AsyncDisposable {
  readonly ada: Visitor;
  readonly bob: Visitor;
  readonly number: number;
}

/** The really running system, with a browser before it. */
export interface Stage {
  visit(viewport?: { width: number; height: number }): Promise<Visitor>;
  /** A group of two people, each at a browser of their own, with the chat open. */
  pair(title: string): Promise<Pair>;
  /** Calls the API of the demo app with the operator's key. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** Calls a route of the control API. */
  control(path: string, body: unknown): Promise<Response>;
  /** Pushes to a device, as the functions do. */
  push(token: string, notification: { readonly title: string; readonly body: string }): Promise<Response>;
  /** Publishes an event to a topic, as anything with the right to may. */
  publish(topic: string, event: object): Promise<void>;
  /** The texts of a chat's messages, by number. */
  textsOf(chat: number): Promise<string[]>;
}

interface Running {
  readonly system: LocalSystem;
  readonly browser: Browser;
  /** Of hosting. */
  readonly url: string;
}

async function start(models: Readonly<Record<string, string>> | undefined): Promise<Running> {
  const system = await startLocalSystem({
    project: PROJECT,
    ports: anyPorts(),
    dataDir: undefined,
    fresh: false,
    instances: 1,
    models,
    output: { text: (text) => console.error(text), log: () => undefined },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  return { system, browser, url: `http://localhost:${system.ports.hosting}` };
}

/**
 * A stage that the tests of a describe share: it starts before the first and ends after the last of them.
 *
 * @param models variables that name other models than the emulated ones, read at the start
 */
export function shareStage(models?: () => Readonly<Record<string, string>>): Stage {
  let running: Running;
  beforeAll(async () => {
    running = await start(models?.());
  }, START_MS_MAX);
  afterAll(async () => {
    await running?.browser.close();
    await running?.system.stop();
  });

  const api: Stage["api"] = (method, path, body) =>
    fetch(`${running.url}/v1/apps/demo${path}`, {
      method,
      headers: {
        authorization: `Bearer ${running.system.keepsakes.operatorKey}`,
        "content-type": "application/json",
        "idempotency-key": `"${crypto.randomUUID()}"`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const push: Stage["push"] = (token, notification) =>
    fetch(`http://127.0.0.1:${running.system.ports.push}/v1/projects/${PROJECT}/messages:send`, {
      method: "POST",
      headers: { authorization: "Bearer owner", "content-type": "application/json" },
      body: JSON.stringify({ message: { token, notification } }),
    });

  const visit = async (viewport = { width: 1440, height: 900 }): Promise<Visitor> => {
    const context = await running.browser.newContext({ viewport, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS_MAX);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) complaints.push(message.text());
    });
    await page.goto(running.url);
    return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
  };

  return {
    api,
    push,
    visit,
    async pair(title) {
      const [ada, bob] = await Promise.all([visit(), visit()]);
      const suffix = crypto.randomUUID().slice(0, 8);
      await Promise.all([
        enter(ada.page, `ada-${suffix}@example.com`),
        enter(bob.page, `bob-${suffix}@example.com`),
      ]);
      const number = await createChat(ada.page, title, `bob-${suffix}`);
      await bob.page.goto(`${running.url}/#/chats/${number}`);
      await bob.page.locator(".chat-title", { hasText: title }).waitFor();
      const close = async (): Promise<void> => {
        await Promise.all([ada.context.close(), bob.context.close()]);
      };
      return { ada, bob, number, [Symbol.asyncDispose]: close };
    },
    control: (path, body) =>
      fetch(`http://127.0.0.1:${running.system.ports.ui}/control/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      }),
    async publish(topic, event) {
      const path = `/v1/projects/${PROJECT}/topics/${topic}:publish`;
      const data = Buffer.from(JSON.stringify(event)).toString("base64");
      const answer = await fetch(`http://127.0.0.1:${running.system.ports.pubsub}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ messages: [{ data }] }),
      });
      if (!answer.ok) throw new Error(`Publishing was answered with ${answer.status}.`);
    },
    async textsOf(chat) {
      const answer = await api("GET", `/chats/${chat}/messages?after=0&limit=100`);
      const { data } = (await answer.json()) as { data: { text: string }[] };
      return data.map(({ text }) => text);
    },
  };
}

/** Signs in as a person does, by the code in the mailbox. */
export async function signIn(page: Page, email: string): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The code, please" }).waitFor();
  await page.locator(".mail", { hasText: email }).first().locator("button.code").first().click();
  await page.keyboard.press("Enter");
  await page.locator("#sidebar").waitFor();
}

/** What the page has and Node has not. */
interface BrowserGlobals {
  readonly sessionStorage: { setItem(key: string, value: string): void };
}

/** Begins a session without the forms, where signing in is not what the test is about. */
export async function enter(page: Page, email: string): Promise<void> {
  await page.evaluate(async (address) => {
    const post = async (path: string, body: object): Promise<{ challenge: string; refreshToken: string }> => {
      const init = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      return (await fetch(`/v1/apps/demo/auth/${path}`, init)).json() as never;
    };
    const { control } = (await (await fetch("/__/suite.json")).json()) as { control: string };
    const mails = async (): Promise<{ subject: string }[]> => {
      const answer = await fetch(`${control}/control/mail?to=${encodeURIComponent(address)}`);
      return ((await answer.json()) as { data: { subject: string }[] }).data;
    };
    const before = (await mails()).length;
    const { challenge } = await post("codes", { email: address });
    for (;;) {
      const found = await mails();
      const code = /\d{6}/.exec(found[0]?.subject ?? "")?.[0];
      if (code !== undefined && found.length > before) {
        const { refreshToken } = await post("sessions", { challenge, code });
        (globalThis as unknown as BrowserGlobals).sessionStorage.setItem(
          "scrollback:demo",
          JSON.stringify({ refreshToken }),
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }, email);
  await page.reload();
  await page.locator("#sidebar").waitFor();
}

/** Creates a group chat, with this member too, and resolves with its number once it is open. */
export async function createChat(page: Page, title: string, member?: string): Promise<number> {
  await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
  if (member !== undefined) {
    await page.getByRole("searchbox", { name: "With" }).fill(member);
    await page.getByRole("checkbox", { name: member }).check();
  }
  await page.getByRole("textbox", { name: "Title" }).fill(title);
  await page.keyboard.press("Enter");
  await page.locator(".chat-title", { hasText: title }).waitFor();
  return Number(/\d+$/.exec(page.url())?.[0]);
}

/** Has the page look for news now, as it does when somebody comes back to its tab. */
export async function lookNow(page: Page): Promise<void> {
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
}

/** Opens the menu of the message that says this. */
export async function openMenu(page: Page, text: string): Promise<void> {
  const line = page.locator(".line", { hasText: text });
  await line.hover();
  await line.getByRole("button", { name: "Actions for message" }).click();
  await page.getByRole("dialog", { name: "Actions for this message" }).waitFor();
}

/** Sends a message and waits until the server has it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  await page.locator('.line[data-state="complete"]', { hasText: text }).waitFor();
}

/** Creates a chat with a model and resolves with its number once it is open. */
export async function createAssistantChat(page: Page): Promise<number> {
  await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
  await page.getByRole("radio", { name: "Assistant" }).check();
  await page.keyboard.press("Enter");
  await page.locator(".chat-title", { hasText: "Assistant" }).waitFor();
  return Number(/\d+$/.exec(page.url())?.[0]);
}

/** Sends a message without waiting for anything. */
export async function submit(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Opens the operations page at one of its tabs, from the link on the first page. */
export async function openOperations(page: Page, tab: string): Promise<void> {
  await page.getByRole("link", { name: "Operations" }).click();
  await page.getByRole("tab", { name: tab }).click();
}

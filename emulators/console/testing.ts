import { existsSync } from "node:fs";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { startLocalSystem } from "../local-system.ts";
import { anyPorts } from "../ports.ts";

/** Where the browser is; without one the page's tests are skipped. */
export const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const hasBrowser = existsSync(CHROMIUM);

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

/** A person at a browser of their own. */
export interface Visitor extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about: exceptions, and refusals of its content security policy. */
  readonly complaints: string[];
}

/** The really running system, with a browser before it. */
export interface Stage {
  visit(viewport?: { width: number; height: number }): Promise<Visitor>;
  /** Calls the API of the demo app with the operator's key. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** Calls a door of the control API. */
  control(path: string, body: unknown): Promise<Response>;
  /** The texts of a chat's messages, by number. */
  textsOf(chat: number): Promise<string[]>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const system = await startLocalSystem({
    project: "demo-page",
    ports: anyPorts(),
    dataDir: undefined,
    fresh: false,
    instances: 1,
    output: { text: (text) => console.error(text), log: () => undefined },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  const url = `http://localhost:${system.ports.hosting}`;

  const api: Stage["api"] = (method, path, body) =>
    fetch(`${url}/v1/apps/demo${path}`, {
      method,
      headers: {
        authorization: `Bearer ${system.suite.folder.operatorKey}`,
        "content-type": "application/json",
        "idempotency-key": `"${crypto.randomUUID()}"`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  return {
    api,
    async visit(viewport = { width: 1440, height: 900 }) {
      const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MS_MAX);
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) complaints.push(message.text());
      });
      await page.goto(url);
      return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
    },
    control: (path, body) =>
      fetch(`http://127.0.0.1:${system.ports.ui}/control/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      }),
    async textsOf(chat) {
      const answer = await api("GET", `/chats/${chat}/messages?after=0&limit=100`);
      const { data } = (await answer.json()) as { data: { text: string }[] };
      return data.map(({ text }) => text);
    },
    async close() {
      await browser.close();
      await system.stop();
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

/** Creates a group chat and resolves with its number once it is open. */
export async function createChat(page: Page, title: string): Promise<number> {
  await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
  await page.getByRole("textbox", { name: "Title" }).fill(title);
  await page.keyboard.press("Enter");
  await page.locator(".chat-title", { hasText: title }).waitFor();
  return Number(/\d+$/.exec(page.url())?.[0]);
}

/** Sends a message and waits until the server has it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  await page.locator('.line[data-state="complete"]', { hasText: text }).waitFor();
}

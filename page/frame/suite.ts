import type { Done } from "../../shared/client/send.ts";
import { send } from "./send.ts";
import type { View } from "./tabs.ts";

/** A request of the person that has got a reply. */
export type AnsweredRequest = Pick<Done, "method" | "path" | "status" | "ms"> & {
  readonly requestId: string;
};

/** The console beside the page. */
export interface Console {
  /** Opens the view of most use: the mailbox before signing in, the costs afterwards. */
  follow(isSignedIn: boolean): void;
  /** Tells of a request that has got a reply. */
  tell(request: AnsweredRequest): void;
  /** Tells that a mail is on its way. */
  expectMail(): void;
}

/** A button that opens the state of the models. */
export interface ModelMenu {
  readonly element: HTMLElement;
  /** Reads the state again: something may have happened to a model. */
  refresh(): void;
  close(): void;
}

/** The suite's views of the operations page, in the order of their tabs. */
export interface OperationsViews {
  readonly views: readonly View[];
  showTrace(traceId: string): void;
}

/** What the suite on a developer's machine adds to the page. A deployment has no suite. */
export interface Suite {
  /** The app that `npm start` creates. */
  readonly appId: string;
  readonly operatorKey: string;
  /** @param onCode called when somebody has chosen a code in the mailbox */
  openConsole(onCode: (code: string) => void): Console;
  createModelMenu(): ModelMenu;
  createOperationsViews(): OperationsViews;
}

/** What the suite's module exports. */
export interface SuiteModule {
  openSuite(controlUrl: string): Promise<Suite>;
}

/** The file with the suite's offer, and the path below which its module has to be. */
const OFFER_PATH = "/__/suite.json";
const MODULES_PATH = "/__/";

interface Offer {
  /** The URL of the control API. */
  readonly control: string;
  /** The path of a SuiteModule. */
  readonly module: string;
}

/**
 * Finds the suite that serves the page; undefined when something else serves it. The page works without a
 * suite, so one that fails is reported and left out.
 */
export async function findSuite(): Promise<Suite | undefined> {
  const offer = await send<unknown>("GET", OFFER_PATH).then(
    ({ data }) => data,
    () => undefined,
  );
  if (!isOffer(offer)) return undefined;
  try {
    const { openSuite } = (await import(offer.module)) as SuiteModule;
    return await openSuite(offer.control);
  } catch (cause) {
    reportError(cause);
    return undefined;
  }
}

function isOffer(data: unknown): data is Offer {
  if (typeof data !== "object" || data === null) return false;
  const { control, module } = data as Partial<Record<keyof Offer, unknown>>;
  return typeof control === "string" && typeof module === "string" && module.startsWith(MODULES_PATH);
}

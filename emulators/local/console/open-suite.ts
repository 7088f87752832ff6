import type { Suite, SuiteModule } from "../../../page/frame/suite.ts";
import { openConsole } from "./console.ts";
import { createControl } from "./control.ts";
import { createModelMenu } from "./models.ts";
import { createDashboard } from "./operations/dashboard.ts";
import { createLineWindow } from "./operations/line-window.ts";
import { createTraces } from "./operations/traces.ts";

/** The styles of the console, by their paths beside this module. */
const STYLES = ["console.css", "models.css", "operations/dashboard.css", "operations/traces.css"];

/** What the page imports when `/__/suite.json` names this module. Resolves once the styles are loaded. */
export const openSuite: SuiteModule["openSuite"] = async (controlUrl): Promise<Suite> => {
  const control = createControl(controlUrl);
  const [{ app, operatorKey }] = await Promise.all([control.info(), ...STYLES.map(loadStyles)]);
  return {
    appId: app.id,
    operatorKey,
    openConsole: (onCode) => openConsole(control, onCode),
    createModelMenu: () => createModelMenu(control, operatorKey),
    createOperationsViews() {
      const lines = createLineWindow(control);
      const traces = createTraces(control, lines);
      return { views: [createDashboard(control, operatorKey, lines), traces], showTrace: traces.choose };
    },
  };
};

async function loadStyles(path: string): Promise<void> {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(path, import.meta.url).href;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  link.addEventListener("load", () => resolve());
  link.addEventListener("error", () => reject(new Error(`The styles ${path} can't be loaded.`)));
  document.head.append(link);
  await promise;
}

import { http } from "@google-cloud/functions-framework";
import { parseConfig } from "../../shared/platform/config.ts";
import { closeDeps, type Deps, openDeps } from "../../shared/platform/deps.ts";
import type { CloudFunction } from "./function.ts";
import { takeOverRequests } from "./incoming.ts";
import { createLifecycle, type Lifecycle, ownProcess } from "./lifecycle.ts";

/**
 * Registers functions with the functions framework. `nameOf` lets several systems live in one process,
 * as tests do.
 */
export function registerFunctions(
  deps: Deps,
  functions: readonly CloudFunction[],
  lifecycle: Lifecycle,
  nameOf: (name: string) => string = (name) => name,
): void {
  for (const definition of functions) {
    const handle = definition.open(deps);
    http(nameOf(definition.name), (request, response) => lifecycle.track(() => handle(request, response)));
  }
}

/** What an instance does at start: configuration, dependencies, functions, and the process itself. */
export function startInstance(functions: readonly CloudFunction[]): void {
  const deps = openDeps(parseConfig(process.env));
  const lifecycle = createLifecycle();
  takeOverRequests();
  ownProcess(deps.log, lifecycle, { end: () => deps.upkeep.end(), close: () => closeDeps(deps) });
  registerFunctions(deps, functions, lifecycle);
}

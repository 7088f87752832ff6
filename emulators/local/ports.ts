import {
  type PortsOf,
  portsFrom as portsFromBase,
  portsOf,
  portsOfConfig as readPorts,
} from "../kernel/ports.ts";
import type { PortName as EmulatorPort } from "../ports.ts";

/** Every port of the local system, in the order in which `--port-base` hands out numbers. */
export const PORT_NAMES = [
  "hosting",
  "ui",
  "auth",
  "firestore",
  "pubsub",
  "tasks",
  "storage",
  "smtp",
  "model",
  "functions",
  "kms",
  "push",
  "trace",
] as const satisfies readonly (EmulatorPort | "hosting" | "ui" | "functions")[];

export type PortName = (typeof PORT_NAMES)[number];
export type Ports = PortsOf<PortName>;

/** The ports that firebase.json gives. Throws a ZodError where it lacks one. */
export const portsOfConfig = (firebaseJson: unknown): Ports => readPorts(PORT_NAMES, firebaseJson);

/** Consecutive ports from `base` on. */
export const portsFrom = (base: number): Ports => portsFromBase(PORT_NAMES, base);

/** Port 0 everywhere: the system chooses free ones. */
export const anyPorts = (): Ports => portsOf(PORT_NAMES, () => 0);

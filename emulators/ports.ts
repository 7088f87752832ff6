import { portsOf } from "./kernel/ports.ts";

/** The ports of the emulators, with the numbers that Google's own emulators use where there are any. */
const DEFAULT_PORTS = {
  auth: 9099,
  firestore: 8080,
  pubsub: 8085,
  tasks: 9499,
  storage: 9199,
  smtp: 1025,
  model: 11_434,
  kms: 9599,
  push: 9699,
  trace: 4318,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Readonly<Record<PortName, number>>;

/** The names of the ports, in the order in which `--port-base` hands out numbers. */
export const PORT_NAMES = Object.keys(DEFAULT_PORTS) as PortName[];

/** Port 0 everywhere: the system chooses free ones. */
export const anyPorts = (): Ports => portsOf(PORT_NAMES, () => 0);

export const defaultPorts = (): Ports => DEFAULT_PORTS;

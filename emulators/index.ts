export type { FaultKind, FaultPlan, Faults } from "./kernel/faults.ts";
export type { Clock } from "./kernel/clock.ts";
export { DataFolderError } from "./kernel/data-folder.ts";
export type { Billed, Counts, Meter } from "./kernel/meter.ts";
export { PortInUseError } from "./kernel/ports.ts";
export { anyPorts, defaultPorts, type PortName, type Ports } from "./ports.ts";
export { type ServiceName, startSuite, type Suite, type SuiteOptions } from "./suite.ts";

import { type Clock, createClock } from "./clock.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createMeter, type Meter } from "./meter.ts";
import { createPhysics, type Physics } from "./physics.ts";

/** What all emulators of a suite share. */
export interface Kernel {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly meter: Meter;
  readonly physics: Physics;
}

export const createKernel = (): Kernel => ({
  clock: createClock(),
  faults: createFaults(),
  meter: createMeter(),
  physics: createPhysics(),
});

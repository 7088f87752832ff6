/**
 * Where the emulators behave as Google's services do under way: as slow, as contended, and delivering twice.
 * Off by default, so that tests are fast. Each emulator says in a file `physics.ts` what changes, by how much
 * and by which source.
 */
export interface Physics {
  /** Turns it on in this project; without one, in all. */
  turnOn(project?: string): void;
  holdsIn(project: string): boolean;
  /** A number in [0, 1), the same in each run, for what happens now and then. */
  random(): number;
}

const SEED = 20_261_129;

export function createPhysics(seed = SEED): Physics {
  const projects = new Set<string>();
  let everywhere = false;
  let state = seed >>> 0;
  return {
    turnOn(project) {
      if (project === undefined) everywhere = true;
      else projects.add(project);
    },
    holdsIn: (project) => everywhere || projects.has(project),
    // A linear congruential generator, with the constants of Numerical Recipes; the low bits are not used.
    random() {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 8) / 2 ** 24;
    },
  };
}

import { createTurns } from "./turns.ts";

/** Each takes up to half of the instance's memory, so there is one at a time: images and documents alike. */
export const oneAtATime = createTurns(1);

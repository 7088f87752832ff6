import { AppError } from "../platform/errors.ts";

/** What is not there and what is somebody else's look the same. */
export const noSuchFile = (): AppError => new AppError("not_found", "There is no such file.");

import { z } from "zod";
import { AppId } from "../identity/contract.ts";

export const NewMove = z.strictObject({
  app: AppId,
  /** The cell to move it to; the one where it is calls a move off that has not come to its end. */
  cell: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/),
});
export type NewMove = z.infer<typeof NewMove>;

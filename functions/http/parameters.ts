import { z } from "zod";
import { DrawnId, UserId } from "../../shared/identity/contract.ts";

/**
 * Numbers in paths: plain decimal digits without sign or leading zero, so that each thing has one address.
 */
const NumberInPath = z
  .string()
  .regex(/^[1-9]\d{0,14}$/)
  .transform(Number);

export const ChatParams = z.object({ chat: NumberInPath });
export const MessageParams = z.object({ chat: NumberInPath, message: NumberInPath });
export const UserParams = z.object({ id: UserId });
export const SessionParams = z.object({ id: DrawnId });
export const TokenParams = z.object({ id: DrawnId });

import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from "../../shared/chat/contract.ts";
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
export const MemberParams = ChatParams.extend({ user: UserId });
export const FileParams = z.object({ id: DrawnId });
export const UserParams = z.object({ id: UserId });
export const SessionParams = z.object({ id: DrawnId });
export const TokenParams = z.object({ id: DrawnId });

export const PageQuery = z.strictObject({
  cursor: z.string().max(2000).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
});

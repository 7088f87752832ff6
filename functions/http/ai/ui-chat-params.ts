import { z } from "zod";
import { UiId } from "../../../shared/ai-sdk/contract.ts";

/** A client's own id of a chat, or the chat's number. */
export const UiChatParams = z.object({ id: UiId });

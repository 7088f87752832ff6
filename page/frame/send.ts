import { platformEnvironment } from "../../shared/client/environment.ts";
import { createSend } from "../../shared/client/send.ts";

/** Sends one JSON request to any URL, without a session. @throws ApiError */
export const send = createSend({ env: platformEnvironment, place: { base: "" } });

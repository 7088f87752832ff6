import { platformEnvironment } from "../../shared/client/environment.ts";
import { createSend } from "../../shared/client/send.ts";

/** One request in JSON to any URL, as nobody in particular. @throws ApiError */
export const send = createSend({ env: platformEnvironment, base: "" });

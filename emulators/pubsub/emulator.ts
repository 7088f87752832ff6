import { defineEmulator } from "../emulator.ts";
import { mintWhenReady } from "../kernel/http-delivery.ts";
import { oidcEmulator } from "../oidc/emulator.ts";
import { openPubSub } from "./server.ts";

export const pubsubEmulator = defineEmulator({
  name: "pubsub",
  port: "pubsub",
  files: ["pubsub.sqlite"],
  needs: { oidc: oidcEmulator },
  open(kernel, { folder, beforeDelivery }, { oidc }) {
    const mintIdToken = mintWhenReady(oidc.mintIdToken, beforeDelivery);
    const pubsub = folder.open("pubsub.sqlite", (path) => openPubSub(kernel, { path, mintIdToken }));
    return { api: pubsub, served: { grpc: pubsub.services, http: pubsub.http }, close: pubsub.close };
  },
  env: (address) => ({ PUBSUB_EMULATOR_HOST: address }),
});

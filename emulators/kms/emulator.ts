import { defineEmulator } from "../emulator.ts";
import { openKms } from "./server.ts";

export const kmsEmulator = defineEmulator({
  name: "kms",
  port: "kms",
  files: ["kms-keys.json"],
  open(kernel, { folder }) {
    const kms = openKms(kernel, { path: folder.file("kms-keys.json") });
    return { api: kms, served: { grpc: kms.services } };
  },
  env: (address) => ({ KMS_ENDPOINT: address }),
});

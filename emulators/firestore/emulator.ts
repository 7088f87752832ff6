import { defineEmulator } from "../emulator.ts";
import { openFirestore } from "./server.ts";

export const firestoreEmulator = defineEmulator({
  name: "firestore",
  port: "firestore",
  files: ["firestore.sqlite"],
  open(kernel, { folder, project, indexes }) {
    const firestore = folder.open("firestore.sqlite", (path) =>
      openFirestore(kernel, { path, indexes, project }),
    );
    return {
      api: firestore,
      served: { grpc: firestore.services, http: firestore.http },
      close: firestore.close,
    };
  },
  env: (address) => ({ FIRESTORE_EMULATOR_HOST: address }),
});

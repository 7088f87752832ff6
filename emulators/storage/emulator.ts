import { defineEmulator } from "../emulator.ts";
import { pubsubEmulator } from "../pubsub/emulator.ts";
import { publisherOf } from "./publish-in-process.ts";
import {
  openServiceAccount,
  openStorage,
  type SigningCredentials,
  type Storage,
  trustedAccount,
} from "./server.ts";

export interface StorageWithSigner extends Storage {
  /** The service account whose signed URLs the emulator accepts from the start. */
  readonly signer: SigningCredentials;
}

export const storageEmulator = defineEmulator({
  name: "storage",
  port: "storage",
  files: ["storage", "storage-key.pem"],
  uses: { pubsub: pubsubEmulator },
  prepare: ({ folder, project }) =>
    openServiceAccount(folder.file("storage-key.pem"), `functions@${project}.iam.gserviceaccount.com`),
  open(kernel, { folder }, { pubsub }, signer) {
    const publish = pubsub === undefined ? undefined : publisherOf(pubsub);
    const serviceAccounts = [trustedAccount(signer)];
    const storage = folder.open("storage", (path) => openStorage(kernel, { path, publish, serviceAccounts }));
    const api: StorageWithSigner = { ...storage, signer };
    return { api, served: { listener: storage.listener }, close: storage.close };
  },
  env: (address, { signer }) => ({
    STORAGE_EMULATOR_HOST: `http://${address}`,
    STORAGE_SIGNER: JSON.stringify(signer),
  }),
});

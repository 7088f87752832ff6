import type { File, FileCreated, Upload } from "../files/contract.ts";
import type { ApiClient } from "./api-client.ts";

export interface FileDraft {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly sha256?: string;
  readonly purpose?: string;
}

/** Announces a file and puts its bytes into the bucket; it is checked once the system has settled. */
export async function uploadFile(
  api: ApiClient,
  { bytes, ...draft }: FileDraft,
): Promise<{ readonly id: string; readonly file: File; readonly upload: Upload }> {
  const { status, body } = await api.post("/v1/apps/demo/files", { ...draft, size: bytes.length });
  if (status !== 201) throw new Error(`The file was answered with ${status}.`);
  const { file, upload } = body as FileCreated;
  const put = await sendBytes(upload, bytes);
  if (put.status !== 200) throw new Error(`The upload was answered with ${put.status} ${await put.text()}.`);
  return { id: file.id, file, upload };
}

/** The one request that an upload is. */
export const sendBytes = ({ url, method, headers }: Upload, bytes: Uint8Array): Promise<Response> =>
  fetch(url, { method, headers, body: new Uint8Array(bytes) });

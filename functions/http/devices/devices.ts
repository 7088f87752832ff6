import { z } from "zod";
import { DeviceId, NewDevice } from "../../../shared/notify/contract.ts";
import { registerDevice, removeDevice } from "../../../shared/notify/devices.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

const DeviceParams = z.object({ id: DeviceId });
const path = "/v1/apps/{app}/devices/{id}";

export const putDevice = appEndpoint({
  method: "PUT",
  path,
  summary: "Registers a device for pushes.",
  access: "notification:change",
  params: DeviceParams,
  body: NewDevice,
  example: { pushToken: "token-of-the-device:1", platform: "android" },
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await registerDevice(deps, app, principal, { device: params.id, ...body });
    return noContent;
  },
});

export const deleteDevice = appEndpoint({
  method: "DELETE",
  path,
  summary: "Forgets a device.",
  access: "notification:change",
  params: DeviceParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await removeDevice(deps, app, principal.id, params.id);
    return noContent;
  },
});

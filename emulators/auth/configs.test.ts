import { afterAll, expect, test } from "vitest";
import { startAuth } from "./testing.ts";

const suite = await startAuth();
afterAll(() => suite[Symbol.asyncDispose]());
const { admin } = suite;

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (cause: { code: string }) => cause.code,
  );

const oidc = {
  providerId: "oidc.acme",
  displayName: "Acme",
  enabled: true,
  issuer: "https://acme.example.com/issuer",
  clientId: "client",
  clientSecret: "secret",
  responseType: { idToken: false, code: true },
};
const saml = {
  providerId: "saml.acme",
  displayName: "Acme",
  enabled: true,
  idpEntityId: "acme",
  ssoURL: "https://acme.example.com/sso",
  x509Certificates: ["first", "second"],
  rpEntityId: "us",
  callbackURL: "https://us.example.com/handler",
};
test.each([
  ["oidc", oidc, { clientId: "other", displayName: "Renamed" }],
  ["saml", saml, { x509Certificates: ["third"], enabled: false }],
] as const)(
  "%s providers are made, found, changed in part, listed and deleted",
  async (type, config, change) => {
    const id = config.providerId;
    expect(await code(admin.getProviderConfig(id))).toBe("auth/configuration-not-found");
    expect(await admin.createProviderConfig(config)).toMatchObject(config);
    expect(await code(admin.createProviderConfig(config))).not.toBe("done");
    expect(await admin.getProviderConfig(id)).toMatchObject(config);
    expect(await admin.updateProviderConfig(id, change)).toMatchObject({ ...config, ...change });
    await admin.createProviderConfig({ ...config, providerId: `${type}.beta` });
    const first = await admin.listProviderConfigs({ type, maxResults: 1 });
    expect(first.providerConfigs.map(({ providerId }) => providerId)).toEqual([id]);
    const rest = await admin.listProviderConfigs({ type, pageToken: first.pageToken ?? "" });
    expect(rest.providerConfigs.map(({ providerId }) => providerId)).toEqual([`${type}.beta`]);
    await admin.deleteProviderConfig(id);
    expect(await code(admin.deleteProviderConfig(id))).toBe("auth/configuration-not-found");
  },
);

test("tenants are listed in pages, changed in part and deleted", async () => {
  const tenants = admin.tenantManager();
  const made = await tenants.createTenant({
    displayName: "first",
    emailSignInConfig: { enabled: true, passwordRequired: true },
  });
  await tenants.createTenant({ displayName: "second" });
  const page = await tenants.listTenants(1);
  expect(page.tenants).toHaveLength(1);
  expect((await tenants.listTenants(10, page.pageToken)).tenants).toHaveLength(1);
  const changed = await tenants.updateTenant(made.tenantId, { displayName: "renamed" });
  expect(changed).toMatchObject({ displayName: "renamed", emailSignInConfig: { passwordRequired: true } });
  await tenants.deleteTenant(made.tenantId);
  expect(await code(tenants.getTenant(made.tenantId))).toBe("auth/tenant-not-found");
});

test("a project's configuration is kept, and duplicate addresses are allowed where it says so", async () => {
  const policy = { enforcementState: "ENFORCE", constraints: { minLength: 9 } } as const;
  const configs = admin.projectConfigManager();
  await configs.updateProjectConfig({ passwordPolicyConfig: policy });
  expect((await configs.getProjectConfig()).passwordPolicyConfig).toMatchObject({
    enforcementState: "ENFORCE",
    constraints: { minLength: 9 },
  });
  const address = `${suite.url}/emulator/v1/projects/demo/config`;
  const change = (allowDuplicateEmails: boolean) =>
    fetch(address, { method: "PATCH", body: JSON.stringify({ signIn: { allowDuplicateEmails } }) });
  const again = () => admin.createUser({ email: "twice@example.com" });
  await again();
  expect(await code(again())).toBe("auth/email-already-exists");
  await change(true);
  expect(await (await fetch(address)).json()).toMatchObject({ signIn: { allowDuplicateEmails: true } });
  expect(await code(again())).toBe("done");
  await change(false);
});

/**
 * The options that point one of Google's clients at an endpoint (host:port) named in the configuration, which
 * is reached without TLS, as Google's own emulators are. Undefined: Google's own.
 */
export async function clientOptions(endpoint: string | undefined): Promise<object> {
  if (endpoint === undefined) return {};
  const { credentials } = await import("@grpc/grpc-js");
  const [apiEndpoint, port] = endpoint.split(":");
  return { apiEndpoint, port: Number(port), sslCreds: credentials.createInsecure() };
}

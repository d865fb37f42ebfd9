// A real OpenID provider on a loopback port: node oidc_provider.mjs PORT GENERATION
// Another generation has other keys. It must never be reachable from elsewhere, nor outlive its test.

import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, generation] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

function key(alg, kind, how) {
  const jwk = generateKeyPairSync(kind, how).privateKey.export({ format: "jwk" });
  return { ...jwk, alg, use: "sig", kid: `${alg}-${generation}` };
}

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "shop",
      client_secret: "test-only-Hq4tLw9Zr2Xc7Vb5",
      grant_types: ["authorization_code", "client_credentials"],
      response_types: ["code"],
      redirect_uris: ["https://shop.example.com/callback"],
    },
  ],
  pkce: { required: () => false },
  jwks: {
    keys: [
      key("RS256", "rsa", { modulusLength: 2048 }),
      key("ES256", "ec", { namedCurve: "P-256" }),
      key("EdDSA", "ed25519", {}),
    ],
  },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ada", email: `${id}@example.com`, email_verified: true }),
  }),
  extraTokenClaims: (_, token) => (token.accountId ? { email: `${token.accountId}@example.com` } : {}),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      // The last part of a resource says how its tokens are signed.
      getResourceServerInfo: (_, resource) => ({
        scope: "",
        audience: resource,
        accessTokenTTL: 300,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: resource.split("/").at(-1) } },
      }),
    },
  },
});

provider.listen(Number(port), "127.0.0.1");

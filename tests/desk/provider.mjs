// A sign-in service for tests: `oidc-provider` with one client and one person, who is signed in without being asked.
// POST /test changes what it says next: {subject, claims: {…} to put into the token, forge: true for another key}.

import http from "node:http";
import { createRequire } from "node:module";

const [folder, port, redirectUri] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const jose = require("jose");
const { default: Provider } = await import(`${folder}/lib/index.js`);

const { privateKey } = await jose.generateKeyPair("RS256", { extractable: true });
const { privateKey: forged } = await jose.generateKeyPair("RS256");
const key = { ...(await jose.exportJWK(privateKey)), kid: "test", use: "sig", alg: "RS256" };
let next = { subject: "subject-1", claims: {} };

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "desk", client_secret: "a secret of the tests", redirect_uris: [redirectUri] }],
  jwks: { keys: [key] },
  cookies: { keys: ["a key of the tests"] },
  pkce: { required: () => true, methods: ["S256"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, answer) => {
  await answer();
  if (!ctx.body?.id_token) return;
  const claims = { ...jose.decodeJwt(ctx.body.id_token), ...next.claims };
  const token = new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "test" });
  ctx.body = { ...ctx.body, id_token: await token.sign(next.forge ? forged : privateKey) };
});

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const serve = provider.callback();
http
  .createServer(async (request, response) => {
    if (request.url.startsWith("/interaction/")) {
      return provider.interactionFinished(request, response, { login: { accountId: next.subject } });
    }
    if (request.url !== "/test") return serve(request, response);
    next = { subject: "subject-1", claims: {}, ...JSON.parse(await body(request)) };
    return response.end();
  })
  .listen(Number(port), "localhost", () => console.log("listening"));

// Signs in with a passkey, and makes one. Without this file there are passwords and codes.

const base64 = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

async function post(address, body) {
  const token = document.querySelector("meta[name=form-token], input[name=form_token]");
  const headers = { "Content-Type": "application/json" };
  if (token) headers["X-Form-Token"] = token.content ?? token.value;
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.json();
}

function decoded(options) {
  const list = (credentials = []) => credentials.map((one) => ({ ...one, id: bytes(one.id) }));
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.allowCredentials && { allowCredentials: list(options.allowCredentials) }),
    ...(options.excludeCredentials && { excludeCredentials: list(options.excludeCredentials) }),
  };
}

function encoded(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = base64(credential.response[name]);
  }
  return { id: credential.id, rawId: base64(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

function offer(section, use) {
  if (!section || !window.PublicKeyCredential) return;
  section.hidden = false;
  const problem = section.querySelector(".error");
  section.querySelector("button").addEventListener("click", async () => {
    problem.hidden = true;
    try {
      const answer = await use(section.dataset);
      if (answer.location) return location.assign(answer.location);
      problem.textContent = answer.problem;
    } catch {
      problem.textContent = section.dataset.failed;
    }
    problem.hidden = false;
  });
}

offer(document.querySelector("[data-passkey-sign-in]"), async ({ challenge, verify, then, sealed }) => {
  const { options, ticket } = await post(challenge, {});
  const credential = await navigator.credentials.get({ publicKey: decoded(options) });
  return post(verify, { ticket, credential: encoded(credential), then, sealed });
});

offer(document.querySelector("[data-passkey-new]"), async ({ options: address, add }) => {
  const { options, ticket } = await post(address, {});
  const credential = await navigator.credentials.create({ publicKey: decoded(options) });
  return post(add, { ticket, credential: encoded(credential) });
});

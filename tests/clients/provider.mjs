// Two providers of identities (npm `oidc-provider`), and a browser for them. Arguments: the folder of the package, the ports of both,
// the port on which a test says what happens, and the page of the server's own that people come back to.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, firstPort, secondPort, controlPort, ownPage] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, "lib/index.js")));

const PAGE = "https://app.example.org/signed-in";

function key(kid, alg) {
  const { privateKey } =
    alg === "RS256" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

function provider(port, keys, alg) {
  const client = (client_id) => ({
    client_id,
    client_secret: "a secret of the client",
    redirect_uris: [PAGE, ownPage],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: alg,
  });
  return new Provider(`http://127.0.0.1:${port}`, {
    clients: [client("mainstay"), client("another client"), client("the app on iOS")],
    cookies: { keys: ["a key of the cookies"] },
    jwks: { keys },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: id !== "unverified", name: id }),
    }),
  });
}

// A provider that can have other keys from one request to the next, as after a new start.
function serve(port, alg) {
  let count = 0;
  const fresh = () => provider(port, [key(`key ${++count}`, alg)], alg).callback();
  let handle = fresh();
  const server = createServer((request, response) => handle(request, response));
  server.listen(port, "127.0.0.1");
  return { rotate: () => { handle = fresh(); } };
}

// Goes to an address as a browser does, signs in as somebody, agrees to everything, and gives the parameters that it comes back with.
async function visit(address, login) {
  const jar = new Map();
  let url = address;
  let sent = {};
  for (let step = 0; step < 20; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...sent, redirect: "manual", headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [pair] = set.split(";");
      const at = pair.indexOf("=");
      jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get("location");
    sent = {};
    if (location) {
      url = new URL(location, url).href;
      if (url.startsWith(PAGE) || url.startsWith(ownPage)) {
        return Object.fromEntries(new URL(url).searchParams);
      }
      continue;
    }
    const page = await response.text();
    const action = page.match(/action="([^"]+)"/)?.[1];
    const prompt = page.match(/name="prompt" value="([^"]+)"/)?.[1];
    if (!action) {
      throw new Error(`no form: ${response.status} ${page}`);
    }
    url = new URL(action.replaceAll("&amp;", "&"), url).href;
    sent = { method: "POST", body: new URLSearchParams({ prompt, login, password: "anything" }) };
  }
  throw new Error("the browser goes in circles");
}

// Gets an ID token for another client than the server, as a library on a telephone does.
async function token({ client, nonce, login }) {
  const verifier = "a verifier that is long enough for everybody who counts".replaceAll(" ", "-");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const authorize = new URL(`http://127.0.0.1:${firstPort}/auth`);
  authorize.search = new URLSearchParams({
    client_id: client, response_type: "code", scope: "openid email", redirect_uri: PAGE, nonce, state: "x",
    code_challenge: Buffer.from(digest).toString("base64url"), code_challenge_method: "S256",
  });
  const { code } = await visit(authorize.href, login);
  const basic = Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent("a secret of the client")}`).toString("base64");
  const response = await fetch(`http://127.0.0.1:${firstPort}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: PAGE, code_verifier: verifier }),
  });
  return response.json();
}

const first = serve(firstPort, "RS256");
serve(secondPort, "ES256");
createServer((request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  const given = Object.fromEntries(url.searchParams);
  const doing = {
    "/visit": () => visit(given.address, given.login),
    "/token": () => token(given),
    "/rotate": async () => first.rotate() ?? {},
  }[url.pathname];
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  Promise.resolve(doing?.()).then(
    (value) => answer(value ? 200 : 404, value ?? {}),
    (error) => answer(500, { error: String(error.stack) }),
  );
}).listen(controlPort, "127.0.0.1", () => console.log(JSON.stringify({ ready: true })));

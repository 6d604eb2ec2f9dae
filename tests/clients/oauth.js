// Somebody with a browser at two other applications, which sign them in by Mainstay: they agree, come back, connect a device, take
// back what they agreed to, and sign out. The applications are here as well: one on a server, and one that is a page with
// `oidc-client-ts`. Reports what was seen.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { withPage } from "./chromium.js";
import { fill, look, seen } from "./visitor.js";

const { MAINSTAY_URL: url, ADMIN_TOKEN, EMAIL, PASSWORD } = process.env;
const SCOPE = "openid email offline_access";

// What the application keeps of who is on their way: the verifier of each state.
const verifiers = new Map();
let shop, forum, home;

function request(more = {}) {
  const [state, verifier] = [randomBytes(16).toString("hex"), randomBytes(32).toString("base64url")];
  verifiers.set(state, verifier);
  return {
    client_id: shop.clientId, redirect_uri: `${home}/signed-in`, response_type: "code", scope: SCOPE, state, nonce: "n",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256", login_hint: EMAIL, ...more,
  };
}
const query = (of) => new URLSearchParams(of).toString();
const authorize = (more) => `${url}/auth/oauth2/authorize?${query(request(more))}`;
const shown = (title, body = "") => `<!doctype html><title>${title}</title><h1>${title}</h1>${body}`;

async function exchanged(code, state) {
  const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: `${home}/signed-in`, code_verifier: verifiers.get(state) });
  const authorization = `Basic ${btoa(`${shop.clientId}:${shop.clientSecret}`)}`;
  const tokens = await (await fetch(`${url}/auth/oauth2/token`, { method: "POST", headers: { authorization }, body })).json();
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  return { ...tokens, user: await (await fetch(`${url}/auth/oauth2/userinfo`, { headers })).json() };
}

// What is required is found by `NODE_PATH`.
const library = () => readFileSync(join(dirname(createRequire(import.meta.url).resolve("oidc-client-ts")), "../browser/oidc-client-ts.min.js"));

// A page that does all of it by itself: it signs in, renews its tokens, and ends them.
const inPage = () => shown("Forum", `<script src="/oidc.js"></script><script type="module">
  const show = (text) => { document.querySelector("h1").textContent = text; };
  try {
    const manager = new oidc.UserManager({ authority: "${url}", client_id: "${forum.clientId}", redirect_uri: location.origin + "/forum",
      scope: "openid email offline_access", loadUserInfo: true });
    if (new URLSearchParams(location.search).has("code")) {
      const user = await manager.signinRedirectCallback();
      const first = user.refresh_token;
      const renewed = await manager.signinSilent();
      await manager.revokeTokens();
      const headers = { authorization: "Bearer " + renewed.access_token };
      const { status } = await fetch(await manager.metadataService.getUserInfoEndpoint(), { headers });
      show([user.profile.email, renewed.refresh_token !== first, status].join(" "));
    } else await manager.signinRedirect();
  } catch (error) { show(String(error)); }
</script>`);

let kept;
const application = createServer(async (asked, answer) => {
  const { pathname, searchParams: given } = new URL(asked.url, home);
  const say = (text) => answer.writeHead(200, { "content-type": "text/html" }).end(text);
  if (pathname === "/signed-in") {
    if (given.has("error")) return say(shown(given.get("error")));
    kept = await exchanged(given.get("code"), given.get("state"));
    return say(shown(`Hello ${kept.user?.email}`));
  }
  if (pathname === "/bye") return say(shown("Bye"));
  if (pathname === "/forum") return say(inPage());
  if (pathname === "/oidc.js") return answer.writeHead(200, { "content-type": "text/javascript" }).end(library());
  const fields = Object.entries(request()).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join("");
  const bye = query({ client_id: shop.clientId, id_token_hint: kept?.id_token ?? "", post_logout_redirect_uri: `${home}/bye`, state: "s" });
  const link = (id, to) => `<a id="${id}" href="${to.replaceAll("&", "&amp;")}">${id}</a>`;
  say(shown("Shop", `${link("sign-in", authorize())} ${link("sign-out", `${url}/auth/oauth2/logout?${bye}`)}
    <form method="post" action="${url}/auth/oauth2/authorize">${fields}<button>Sign in by a form</button></form>
    <form method="post" id="forged" action="${url}/auth/oauth2/logout"><input type="hidden" name="decision" value="sign-out"><button>Forged</button></form>`));
});

async function post(path, body, headers) {
  const answer = await fetch(`${url}${path}`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Waits for a page that another one leads to by itself.
async function until(page, heading) {
  for (let tries = 0; tries < 100; tries++) {
    if ((await page.heading().catch(() => "")) === heading) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${await page.heading()}, and not ${heading}`);
}

await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
home = `http://127.0.0.1:${application.address().port}`;
const register = (client) => post("/auth/v1/oauthClients", JSON.stringify(client), { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" });
shop = await register({
  displayName: "Shop <b>", clientUri: "https://shop.example.net/about", grants: ["AUTHORIZATION_CODE", "REFRESH_TOKEN", "DEVICE_CODE"],
  redirectUris: ["http://127.0.0.1/signed-in"], postLogoutRedirectUris: ["http://127.0.0.1/bye"],
});
forum = await register({ displayName: "Forum", authentication: "NONE", redirectUris: ["http://127.0.0.1/forum"] });

await withPage(async (page) => {
  // Signs in on the way, agrees, and is back.
  await page.goto(home);
  await page.click("#sign-in");
  seen.push(await page.evaluate(`document.querySelector("[name=email]").value`));
  await look(page, "sign-in");
  await fill(page, { password: PASSWORD });
  await page.click("button.main");
  await until(page, "Shop <b> asks for access");
  await look(page, "consent");
  await page.click("button.main");
  seen.push(await page.heading());

  // Is known the second time, also where the application asks by a form.
  await page.goto(home);
  await page.click("form button");
  seen.push(await page.heading());

  // Shows again who it is where the application wants that.
  await page.goto(authorize({ prompt: "login" }));
  await look(page, "confirm");
  await fill(page, { password: PASSWORD });
  await page.click("button.main");
  await until(page, `Hello ${EMAIL}`);

  // Comes in at a page as well, which asks Mainstay from its own origin.
  await page.goto(`${home}/forum`);
  await until(page, "Forum asks for access");
  await page.click("button.main");
  await until(page, `${EMAIL} true 401`);

  // Connects a device.
  const basic = { authorization: `Basic ${btoa(`${shop.clientId}:${shop.clientSecret}`)}` };
  const device = await post("/auth/oauth2/device_authorization", new URLSearchParams({ scope: "openid profile" }), basic);
  await page.goto(device.verification_uri);
  await fill(page, { user_code: "BCDF-GHJK" });
  await page.click("button.main");
  await look(page, "device-refused");
  await fill(page, { user_code: device.user_code.toLowerCase() });
  await page.click("button.main");
  await look(page, "device-consent");
  seen.push((await page.text("main")).includes(device.user_code));
  await page.click("button.main");
  await look(page, "device-connected");

  // Takes back what was agreed to, and refuses when it is asked anew.
  await page.goto(`${url}/auth/account/applications`);
  await look(page, "applications");
  await page.click(".list button");
  await look(page, "applications-left");
  await page.goto(home);
  await page.click("#sign-in");
  await page.click("button[value=deny]");
  seen.push(await page.heading());

  // Is not signed out by a form of another site's; is, by the page that asks.
  await page.goto(home);
  await page.click("#forged button");
  await look(page, "sign-out-forged");
  await page.goto(home);
  await page.click("#sign-out");
  await look(page, "sign-out");
  await page.click("button.main");
  seen.push(await page.heading());
  await page.goto(authorize({ prompt: "none" }));
  seen.push(await page.heading());

  // Is led nowhere by whom nobody knows.
  await page.goto(authorize({ redirect_uri: "https://evil.example/" }));
  await look(page, "unknown-address");
});
application.close();

for (const one of seen) console.log(JSON.stringify(one));

// `openid-client`: signs somebody in by the pages, as an application on a server does, and gets to know them. Prints what it sees.
import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";

// What is required is found by `NODE_PATH`; what is imported is not.
const client = createRequire(import.meta.url)("openid-client");

const issuer = process.env.MAINSTAY_URL;
const admin = process.env.ADMIN_TOKEN;
const redirect = "https://shop.example.net/signed-in";
const say = (what) => console.log(JSON.stringify(what));

// A browser without scripts: it keeps cookies, and follows nothing by itself.
const jar = new Map();
const browse = async (address, form) => {
  const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; "), "sec-fetch-site": "same-origin" };
  if (!jar.size) delete headers.cookie;
  const init = form ? { method: "POST", body: new URLSearchParams(form) } : {};
  const answer = await fetch(new URL(address, issuer), { ...init, headers, redirect: "manual" });
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    value ? jar.set(name, value) : jar.delete(name);
  }
  return { status: answer.status, to: answer.headers.get("location"), headers: answer.headers, text: await answer.text() };
};
const hidden = (page, name) => {
  const found = new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text);
  if (!found) throw new Error(`no ${name}: ${page.status} ${page.text}`);
  return found[1].replaceAll("&amp;", "&").replaceAll("&#x2f;", "/");
};

// Whoever is at the browser signs in where they are asked to, and agrees. Gives where they are led.
const led = async (address) => {
  let page = await browse(address);
  if (page.status === 303 && page.to.startsWith("/auth/sign-in")) {
    const back = new URL(page.to, issuer).searchParams.get("return_to");
    const signedIn = await browse("/auth/sign-in", { email: process.env.EMAIL, password: process.env.PASSWORD, return_to: back });
    say({ signedIn: signedIn.status, onward: /http-equiv="refresh"/.test(signedIn.text) });
    page = await browse(back);
  }
  if (page.status !== 200) return page.to;
  const policy = page.headers.get("content-security-policy");
  say({ asked: /form-action 'self' https:\/\/shop\.example\.net;/.test(policy), framed: page.headers.get("x-frame-options"), referrer: page.headers.get("referrer-policy") });
  return (await browse("/auth/oauth2/consent", { ticket: hidden(page, "ticket"), decision: "allow" })).to;
};

const register = async (more) => {
  const body = { displayName: "Shop", redirectUris: [redirect], postLogoutRedirectUris: ["https://shop.example.net/bye"], grants: ["AUTHORIZATION_CODE", "REFRESH_TOKEN", "DEVICE_CODE"], ...more };
  const answer = await fetch(`${issuer}/auth/v1/oauthClients`, { method: "POST", headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" }, body: JSON.stringify(body) });
  const made = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(made));
  return made;
};
const insecure = { execute: [client.allowInsecureRequests] };

const signIn = async (config, more = {}) => {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: "openid email offline_access", state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  });
  const location = new URL(await led(address.href));
  return { location, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
};
const refused = async (call) => { try { await call(); return "not refused"; } catch (error) { return error.error ?? error.cause?.message ?? error.message; } };

// With a secret, in the body and in the header.
const shop = await register({});
let config = await client.discovery(new URL(issuer), shop.clientId, shop.clientSecret, undefined, insecure);
say({ issuer: config.serverMetadata().issuer === issuer, pkce: config.serverMetadata().supportsPKCE() });
let { location, checks } = await signIn(config);

// Mixed up, or not what was asked for: the library refuses before anything is exchanged.
const other = new URL(location); other.searchParams.set("iss", "https://evil.example");
say({ mixedUp: await refused(() => client.authorizationCodeGrant(config, other, checks)) !== "not refused" });
say({ state: await refused(() => client.authorizationCodeGrant(config, location, { ...checks, expectedState: "another" })) !== "not refused" });

let tokens = await client.authorizationCodeGrant(config, location, checks);
const claims = tokens.claims();
say({ type: tokens.token_type, scope: tokens.scope, nonce: claims.nonce === checks.expectedNonce, acr: claims.acr });
const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
say({ email: user.email, verified: user.email_verified });
say({ again: await refused(() => client.authorizationCodeGrant(config, location, checks)) });
say({ ended: await refused(() => client.fetchUserInfo(config, tokens.access_token, claims.sub)) !== "not refused" });

config = await client.discovery(new URL(issuer), shop.clientId, shop.clientSecret, client.ClientSecretBasic(shop.clientSecret), insecure);
({ location, checks } = await signIn(config));
tokens = await client.authorizationCodeGrant(config, location, checks);
const next = await client.refreshTokenGrant(config, tokens.refresh_token);
say({ renewed: next.refresh_token !== tokens.refresh_token, active: (await client.tokenIntrospection(config, next.access_token)).active });
await client.tokenRevocation(config, next.refresh_token);
say({ revoked: (await client.tokenIntrospection(config, next.access_token)).active });

// With a key of its own.
const pair = await webcrypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
const { kty, crv, x } = await webcrypto.subtle.exportKey("jwk", pair.publicKey);
const signer = await register({ authentication: "PRIVATE_KEY_JWT", jwks: JSON.stringify({ keys: [{ kty, crv, x, kid: "k" }] }) });
config = await client.discovery(new URL(issuer), signer.clientId, undefined, client.PrivateKeyJwt({ key: pair.privateKey, kid: "k" }), insecure);
({ location, checks } = await signIn(config));
tokens = await client.authorizationCodeGrant(config, location, checks);
say({ signed: tokens.claims().sub === claims.sub });

// Without anything, on a device.
const television = await register({ authentication: "NONE" });
config = await client.discovery(new URL(issuer), television.clientId, undefined, client.None(), insecure);
const device = await client.initiateDeviceAuthorization(config, { scope: "openid email" });
const typed = await browse(new URL(device.verification_uri_complete).href);
say({ typed: typed.status, filled: typed.text.includes(device.user_code) });
const question = await browse("/auth/device", { user_code: device.user_code });
const decided = await browse("/auth/device/consent", { user_code: hidden(question, "user_code"), decision: "allow" });
const onDevice = await client.pollDeviceAuthorizationGrant(config, device);
say({ device: decided.status, sub: onDevice.claims().sub === claims.sub });

// What was agreed to is listed, and the session ends by the page that asks first.
const listed = await browse("/auth/account/applications");
say({ listed: listed.status, applications: listed.text.split("<strong>Shop</strong>").length - 1 });
const end = client.buildEndSessionUrl(config, { id_token_hint: onDevice.id_token, post_logout_redirect_uri: "https://shop.example.net/bye", state: "s" });
const ask = await browse(end.href);
const bye = await browse("/auth/oauth2/logout", { id_token_hint: onDevice.id_token, post_logout_redirect_uri: "https://shop.example.net/bye", state: "s", decision: "sign-out" });
say({ ask: ask.status, bye: bye.to, signedIn: jar.size > 0 });

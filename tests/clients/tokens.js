// npm `jose`: verifies access tokens with the keys that the server publishes.

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const base = process.env.MAINSTAY_URL;
const token = process.env.USER_TOKEN;
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", base));
const expected = { issuer: "mainstay", audience: "mainstay", typ: "at+jwt", algorithms: ["EdDSA", "Ed25519", "ES256"], requiredClaims: ["sub", "sid", "exp", "iat", "jti"] };

async function refusal(token, options) {
  try {
    await jwtVerify(token, keys, options);
    return "taken";
  } catch (error) {
    return error.code;
  }
}

const { payload } = await jwtVerify(token, keys, expected);
const [header, claims, signature] = token.split(".");
const other = Buffer.from(JSON.stringify({ ...payload, sub: "another" })).toString("base64url");
console.log(JSON.stringify({
  alg: decodeProtectedHeader(token).alg,
  email: payload.email,
  otherClaims: await refusal(`${header}.${other}.${signature}`, expected),
  otherAudience: await refusal(token, { ...expected, audience: "another" }),
  otherType: await refusal(token, { ...expected, typ: "JWT" }),
}));

// Somebody with a browser: an account from its beginning to its end, on the pages of the gateway. Reports what was seen.

import { createHmac } from "node:crypto";
import { withPage } from "./chromium.js";
import { fill, look, newestLink, seen } from "./visitor.js";

const { MAINSTAY_URL: url } = process.env;
const EMAIL = "ada@example.org";
const PASSWORD = "correct horse battery";
const OTHER = "another horse battery";

// What an app shows (RFC 6238).
function code(secret, step = Math.floor(Date.now() / 30_000)) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"));
  const key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function signIn(page, password) {
  await page.goto(`${url}/auth/sign-in`);
  await fill(page, { email: EMAIL, password });
  await page.click("button.main");
}

await withPage(async (page) => {
  // Makes an account; a weak password is refused beside its field.
  await page.goto(`${url}/auth/sign-in`);
  await look(page, "sign-in");
  await page.goto(`${url}/auth/sign-up`);
  await fill(page, { email: EMAIL, password: "short" });
  await page.click("button.main");
  await look(page, "sign-up-refused");
  await fill(page, { password: PASSWORD });
  await page.click("button.main");
  await look(page, "account");

  // Verifies the address. The secret is taken from the address of the page, and out of it.
  await page.goto(await newestLink(page));
  await look(page, "verify");
  seen.push(await page.evaluate("location.hash"));
  await page.click("button.main");
  await look(page, "verified");

  // Changes the profile.
  await page.goto(`${url}/auth/account`);
  await fill(page, { display_name: "Ada <b>Lovelace</b>", user_name: "ada" });
  await page.click(`form[action$="/profile"] button`);
  await look(page, "profile");
  seen.push(await page.evaluate(`document.querySelector("[name=display_name]").value`));

  // Adds an app that makes codes, and keeps the recovery codes.
  await page.goto(`${url}/auth/account/factors`);
  await look(page, "factors");
  await fill(page, { display_name: "Telephone" });
  await page.click("button.main");
  await look(page, "enroll");
  const secret = await page.text("code.secret");
  await fill(page, { code: "000000" });
  await page.click("button.main");
  await look(page, "enroll-refused");
  await fill(page, { code: code(secret) });
  await page.click("button.main");
  await look(page, "recovery-codes");
  const recovery = await page.text(".codes code");

  // Signs out, and in with a recovery code.
  await page.goto(`${url}/auth/account`);
  await page.click(`form[action$="/sign-out"] button`);
  seen.push((await page.send("Network.getCookies", { urls: [url] })).cookies.length);
  await signIn(page, "wrong horse battery");
  await look(page, "sign-in-refused");
  await signIn(page, PASSWORD);
  await look(page, "factor");
  await fill(page, { code: recovery });
  await page.click("button.main");
  await look(page, "account-again");
  const cookies = (await page.send("Network.getCookies", { urls: [url] })).cookies;
  seen.push(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]).sort());
  seen.push(await page.evaluate("document.cookie"));

  // Has forgotten the password. Every device is signed out by the new one.
  await page.goto(`${url}/auth/forgot-password`);
  await look(page, "forgot");
  await fill(page, { email: EMAIL });
  await page.click("button.main");
  await look(page, "forgot-sent");
  await page.goto(await newestLink(page));
  await look(page, "reset");
  await fill(page, { password: OTHER });
  await page.click("button.main");
  await look(page, "reset-done");
  await page.goto(`${url}/auth/account`);
  seen.push(await page.heading());

  // Without scripts.
  await page.send("Emulation.setScriptExecutionDisabled", { value: true });
  await signIn(page, OTHER);
  await fill(page, { code: code(secret, Math.floor(Date.now() / 30_000) + 1) });
  await page.click("button.main");
  await look(page, "without-scripts");
  await page.send("Emulation.setScriptExecutionDisabled", { value: false });

  // Signs out everywhere else, and deletes the account.
  await page.goto(`${url}/auth/account`);
  await page.click(`form[action$="/end-sessions"] button`);
  await look(page, "signed-out-elsewhere");
  await page.goto(`${url}/auth/account/delete`);
  await look(page, "delete");
  await fill(page, { password: OTHER });
  await page.click("button.main");
  await look(page, "deleted");
});

for (const one of seen) console.log(JSON.stringify(one));

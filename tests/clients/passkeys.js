// Somebody whose device can hold passkeys: Chromium's own authenticator. Reports what was seen.

import { withPage } from "./chromium.js";
import { fill, look, newestLink, seen } from "./visitor.js";

const { MAINSTAY_URL: url } = process.env;
const EMAIL = "grace@example.org";
const PASSWORD = "correct horse battery";

// Clicks a button whose script waits for the authenticator.
async function by(page, selector) {
  await page.click(`${selector} button`);
}

async function signOut(page) {
  await page.goto(`${url}/auth/account`);
  await page.click(`form[action$="/sign-out"] button`);
}

await withPage(async (page) => {
  await page.send("WebAuthn.enable");
  const { authenticatorId } = await page.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto(`${url}/auth/sign-up`);
  await fill(page, { email: EMAIL, password: PASSWORD });
  await page.click("button.main");
  await page.goto(await newestLink(page));
  await page.click("button.main");

  // Adds a passkey; with the first factor come recovery codes.
  await page.goto(`${url}/auth/account/factors`);
  await page.type("#passkey_name", "Laptop");
  await by(page, `form[action$="/factors/passkey"]`);
  await look(page, "passkey-added");
  await page.goto(`${url}/auth/account/factors`);
  await look(page, "passkey-listed");
  seen.push(await page.text(".list strong"));
  const { credentials } = await page.send("WebAuthn.getCredentials", { authenticatorId });
  seen.push([credentials.length, credentials[0].rpId, credentials[0].isResidentCredential]);

  // Signs in with it alone, and by password with it as the second factor.
  await signOut(page);
  await page.goto(`${url}/auth/sign-in`);
  await look(page, "sign-in-with-passkey");
  await by(page, `form[action$="/sign-in/passkey"]`);
  await look(page, "signed-in-by-passkey");
  await signOut(page);
  await page.goto(`${url}/auth/sign-in`);
  await fill(page, { email: EMAIL, password: PASSWORD });
  await page.click("button.main");
  await look(page, "factor-is-a-passkey");
  await by(page, `form[action$="/sign-in/passkey"]`);
  await look(page, "signed-in-by-both");

  // Shows again who it is.
  await page.goto(`${url}/auth/confirm?return_to=/auth/account/factors`);
  await look(page, "confirm-by-passkey");
  await by(page, `form[action$="/confirm/passkey"]`);
  seen.push(await page.heading());

  // A device that does not know its owner is not let in, and says so.
  await signOut(page);
  await page.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.goto(`${url}/auth/sign-in`);
  await page.evaluate(`document.querySelector('form[action$="/sign-in/passkey"] button').click()`);
  for (let tries = 0; tries < 100; tries++) {
    const shown = await page.evaluate(`!document.querySelector("[data-failed]")?.hidden`);
    if (shown) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await look(page, "passkey-refused");
  seen.push(await page.evaluate(`!document.querySelector("[data-failed]").hidden`));
});

for (const one of seen) console.log(JSON.stringify(one));

// Takes the secret of a link from behind the `#` of the address, where no server sees it, into the form that asks for it.
"use strict";
const form = document.querySelector("form[data-link]");
if (form) {
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret) {
    form.elements.namedItem("token").value = secret;
    form.querySelector("[data-secret]").hidden = true;
    // Not in the history, nor in what is copied from the address.
    history.replaceState(null, "", location.pathname + location.search);
  }
}
// Asks the browser for a passkey (WebAuthn Level 3), and sends what it has signed with the form.
async function passkey(form) {
  const begun = await fetch(form.dataset.passkey, {
    method: "POST",
    headers: { "content-type": "application/json", "session-mode": "cookie" },
    body: JSON.stringify({ challenge: form.querySelector("[data-waiting]")?.value }),
  });
  const { challenge, options, error } = await begun.json();
  if (!begun.ok) throw new Error(error?.message);
  const adds = form.dataset.passkey.endsWith("factors:beginPasskey");
  const asked = options.publicKey ?? options;
  const credential = adds
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  form.elements.namedItem("challenge").value = challenge;
  form.elements.namedItem("credential").value = JSON.stringify(credential.toJSON());
  form.submit();
}
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  for (const shown of document.querySelectorAll("form[data-passkey], [data-passkeys]")) shown.hidden = false;
  for (const asks of document.querySelectorAll("form[data-passkey]")) {
    asks.addEventListener("submit", async (event) => {
      event.preventDefault();
      const failed = asks.querySelector("[data-failed]");
      failed.hidden = true;
      try {
        await passkey(asks);
      } catch {
        failed.hidden = false;
        for (const button of document.querySelectorAll("button")) button.disabled = false;
      }
    });
  }
}
// What was sent once is not sent again by a second click.
for (const sent of document.forms) {
  sent.addEventListener("submit", () => {
    for (const button of sent.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
}
// Coming back by the history finds the buttons as they were.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button")) button.disabled = false;
});

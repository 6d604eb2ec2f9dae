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

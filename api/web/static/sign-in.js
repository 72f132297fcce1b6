// Signing in, or setting a first password by the one-time link whose secret follows "#" in the address.

import { send } from "./service.js";

const link = decodeURIComponent(location.hash.slice(1));
const status = document.getElementById("status");
const name = document.getElementById("name");
const password = document.getElementById("password");

if (link) {
  // The secret leaves the address bar and the history at once.
  history.replaceState(null, "", location.pathname);
  document.getElementById("linked").hidden = false;
  document.getElementById("named").hidden = true;
  name.required = false;
  password.autocomplete = "new-password";
}

// Where one was when the session ended: a page of this service, or else the wall.
function wanted() {
  const next = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return next.origin === location.origin && next.pathname !== "/sign-in" ? next.pathname + next.search : "/";
}

document.getElementById("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  status.textContent = "";
  try {
    if (link) await send("/api/v1/session/link", { link, password: password.value });
    else await send("/api/v1/session", { name: name.value, password: password.value });
    location.assign(wanted());
  } catch (error) {
    status.textContent = error.message;
    status.classList.add("failed");
    password.select();
  }
});

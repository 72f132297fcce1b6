// What every page has: language, health, signing out.

import { send } from "./service.js";

const NEXT = { both: "zh", zh: "en", en: "both" };
const speak = document.getElementById("speak");

speak.addEventListener("click", () => {
  const chosen = NEXT[document.documentElement.dataset.speak] ?? "both";
  document.cookie = `livewitness_speak=${chosen}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});

document.getElementById("leave")?.addEventListener("click", async () => {
  await send("/api/v1/session", undefined, "DELETE");
  location.assign("/sign-in");
});

fetch("/health").then((response) => document.getElementById("health").classList.toggle("degraded", !response.ok));

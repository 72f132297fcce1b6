// What every page has: language, light or dark, health, signing out.

import { send } from "./service.js";

const LANGUAGES = { both: "zh", zh: "en", en: "both" };
const THEMES = { auto: "light", light: "dark", dark: "auto" };

function turns(id, cookie, field, order) {
  const button = document.getElementById(id);
  // It comes disabled, so that no click is lost before this script is there.
  button.disabled = false;
  button.addEventListener("click", () => {
    const chosen = order[document.documentElement.dataset[field]] ?? Object.keys(order)[0];
    document.cookie = `${cookie}=${chosen}; path=/; max-age=31536000; samesite=strict`;
    location.reload();
  });
}
turns("speak", "livewitness_speak", "speak", LANGUAGES);
turns("theme", "livewitness_theme", "theme", THEMES);

document.getElementById("leave")?.addEventListener("click", async () => {
  await send("/api/v1/session", undefined, "DELETE");
  location.assign("/sign-in");
});

fetch("/health").then((response) => document.getElementById("health").classList.toggle("degraded", !response.ok), () => {});

// What every page has: language, light or dark, health, signing out.

import { send } from "./service.js";
import { said } from "./words.js";

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

// The checks cost the service seconds of work; one look in a minute is enough.
const LOOKED = "livewitness.health";
const FRESH_MS = 60000;
function lamp(ok) {
  const health = document.getElementById("health");
  health.classList.toggle("degraded", !ok);
  health.title = ok ? said("各项检查正常", "all checks hold") : said("有检查未通过", "a check does not hold");
}
const kept = JSON.parse(sessionStorage.getItem(LOOKED) ?? "null");
if (kept && Date.now() - kept.at < FRESH_MS) lamp(kept.ok);
else {
  fetch("/health").then(({ ok }) => {
    sessionStorage.setItem(LOOKED, JSON.stringify({ at: Date.now(), ok }));
    lamp(ok);
  }, () => {});
}

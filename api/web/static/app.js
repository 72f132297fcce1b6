// The search page: words in, places out, a click plays the place at the word.

import { ask } from "./service.js";
import { findingPlace, hitPlace } from "./places.js";
import { play, wire } from "./player.js";

const status = document.getElementById("status");
const hits = document.getElementById("hits");
const findings = document.getElementById("findings");
const more = document.getElementById("more");
const chosen = document.getElementById("stream");
let next = null;

function say(text, failed = false) {
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

const report = (error) => say(error.message, true);

async function search(event) {
  event.preventDefault();
  const words = document.getElementById("words").value;
  say("正在搜索… searching…");
  try {
    const found = await ask("/api/v1/search", { q: words, stream: chosen.value, limit: 10 });
    hits.replaceChildren(...found.hits.map(hitPlace));
    const { streams, seconds, gaps } = found.searched;
    const hours = (seconds / 3600).toFixed(2);
    say(`${found.hits.length} 处；搜了 ${streams} 场、${hours} 小时、${gaps} 个缺口。 ${found.hits.length} hits in ${streams} streams, ${hours} h, ${gaps} gaps.`);
  } catch (error) {
    report(error);
  }
}

async function listFindings() {
  const page = await ask("/api/v1/alerts", { stream: chosen.value, after: next, limit: 20 });
  findings.append(...page.alerts.map(findingPlace));
  next = page.next;
  more.hidden = next === null;
}

async function restart() {
  next = null;
  findings.replaceChildren();
  await listFindings();
}

async function listStreams() {
  const page = await ask("/api/v1/streams", { limit: 500 });
  for (const stream of page.streams) chosen.append(new Option(stream.title ? `${stream.name}（${stream.title}）` : stream.name, stream.name));
}

async function checkHealth() {
  const response = await fetch("/health");
  document.getElementById("health").classList.toggle("degraded", !response.ok);
}

document.getElementById("search").addEventListener("submit", search);
document.body.addEventListener("click", async (event) => {
  const button = event.target.closest(".place");
  if (!button) return;
  for (const other of document.querySelectorAll(".place[aria-current]")) other.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  try {
    await play(button.place);
  } catch (error) {
    report(error);
  }
});
chosen.addEventListener("change", () => restart().catch(report));
more.addEventListener("click", () => listFindings().catch(report));
wire(report);
Promise.all([listStreams(), listFindings(), checkHealth()]).catch(report);

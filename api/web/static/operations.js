// Operations: checks with their repairs, watched streams, webhooks.

import { ask, send } from "./service.js";
import { action, reporter, row } from "./table.js";
import { both, element, timecode } from "./words.js";

const EVERY_MS = 5000;
const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));

async function checks() {
  const response = await fetch("/health");
  const body = await response.json();
  byId("checks").replaceChildren(...(body.checks ?? []).map((check) => {
    const item = element("li", check.ok ? "good" : "failed", `${check.ok ? "✓" : "✗"} `, ...both(check.zh, check.en));
    if (!check.ok && check.repair_zh) item.append(element("div", "note", ...both(check.repair_zh, check.repair_en)));
    return item;
  }));
}

function watch(one) {
  const run = (what, method = "POST") => () => send(`/api/v1/watches/${encodeURIComponent(one.name)}${what}`, undefined, method).then(watches, report);
  const tools = one.state === "running" || one.state === "recording" ? [action("停止", "Stop", run("/stop"))] : [action("重新开始", "Start", run("/start")), " ", action("移除", "Remove", run("", "DELETE"))];
  const error = one.error ? both(one.error.zh ?? String(one.error), one.error.en ?? "") : "";
  return row(one.name, one.state, timecode(one.recorded ?? 0), `${(one.lag ?? 0).toFixed(1)} s`, String(one.alerts ?? 0), error, tools);
}

async function watches() {
  const body = await ask("/api/v1/watches");
  byId("watches").replaceChildren(...body.watches.map(watch));
}

async function webhooks() {
  const body = await ask("/api/v1/webhooks");
  byId("webhooks").replaceChildren(...body.webhooks.map((one) => row(one.name, one.url, String(one.waiting), String(one.dead))));
}

byId("watch").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await send("/api/v1/watches", { name: byId("name").value, source: byId("source").value, shop: byId("shop").value });
    event.target.reset();
    await watches();
  } catch (error) {
    report(error);
  }
});
const all = () => Promise.all([checks(), watches(), webhooks()]).catch(report);
all();
setInterval(all, EVERY_MS);

// Operations: figures, watched streams, rules over time, backfill, checks with their repairs, webhooks.

import { drawFigures } from "./figures.js";
import { Packs } from "./packs.js";
import { ask, send } from "./service.js";
import { action, fill, number, reporter, row } from "./table.js";
import { both, element, said, timecode } from "./words.js";

const EVERY_MS = 5000;
const FIGURES_EVERY_MS = 60000;
const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));
const STATES = {
  running: ["录制中", "recording"], starting: ["启动中", "starting"], reconnecting: ["正在重连", "reconnecting"], failed: ["出错", "failed"],
  stopping: ["正在结束", "ending"], stopped: ["已停止", "stopped"], ended: ["已结束", "ended"],
};
const RUNS = ["running", "starting", "reconnecting"];
const packs = new Packs(report);
let drawnAt = -Infinity;

async function checks() {
  const response = await fetch("/health");
  const body = await response.json();
  fill(byId("checks"), (body.checks ?? []).map((check) => {
    const told = element("div", "", ...both(check.zh, check.en));
    if (!check.ok && check.repair_zh) told.append(element("div", "failed", ...both(`修复：${check.repair_zh}`, `repair: ${check.repair_en}`)));
    return row([element("span", check.ok ? "good" : "failed", check.ok ? "✓" : "✗")], check.name, [told]);
  }), 3);
}

function watch(one) {
  const run = (what, method = "POST") => () => send(`/api/v1/watches/${encodeURIComponent(one.name)}${what}`, undefined, method).then(watches, report);
  const tools = RUNS.includes(one.state) ? [action("停止", "Stop", run("/stop"))] : [action("重新开始", "Start", run("/start")), " ", action("移除", "Remove", run("", "DELETE"))];
  const state = element("span", `badge room-${one.state}`, ...both(...(STATES[one.state] ?? [one.state, ""])));
  const error = one.error ? both(one.error.zh, one.error.en) : "";
  const lag = element("span", one.behind ? "late" : "", `${(one.lag ?? 0).toFixed(1)} s`);
  lag.dataset.number = "";
  return row(one.name, [state], [number(timecode(one.recorded ?? 0))], [lag], [number(one.alerts ?? 0)], error, tools);
}

function tile(id, value, note, alarm = false) {
  const box = byId(id);
  box.querySelector("strong").textContent = value;
  box.querySelector(".note").textContent = note;
  box.classList.toggle("alarm", alarm);
}

async function watches() {
  const body = await ask("/api/v1/watches");
  const going = body.watches.filter((one) => one.state === "running").length;
  const failing = body.watches.filter((one) => ["failed", "reconnecting"].includes(one.state)).length;
  tile("tilestreams", `${going} / ${body.watches.length}`, failing ? said(`${failing} 路需要处理`, `${failing} need help`) : said("录制中 / 全部", "recording / all"), failing > 0);
  fill(byId("watches"), body.watches.map(watch), 7, "还没有监看直播", "no stream is watched yet");
}

async function webhooks() {
  const body = await ask("/api/v1/webhooks");
  fill(byId("webhooks"), body.webhooks.map((one) => row(one.name, one.url, [number(one.waiting)], [number(one.dead)])), 4, "没有推送目标", "no target");
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

async function figures() {
  if (performance.now() - drawnAt < FIGURES_EVERY_MS) return;
  drawnAt = performance.now();
  await packs.draw();
  drawFigures(await ask("/api/v1/operations", { days: 28 }), tile);
}
const all = () => Promise.all([checks(), watches(), webhooks(), figures()]).catch(report);
all();
setInterval(all, EVERY_MS);

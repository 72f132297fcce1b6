// Operations: figures, watched streams, rules over time, backfill, checks with their repairs, webhooks.

import { Backfills } from "./backfills.js";
import { DryRuns } from "./dryruns.js";
import { drawFigures } from "./figures.js";
import { Packs } from "./packs.js";
import { ask, send } from "./service.js";
import { action, asked, fill, keyed, number, reporter, row } from "./table.js";
import { both, element, said, timecode } from "./words.js";

const LOOK_MS = 5000;
const byId = (id) => document.getElementById(id);
const { say, report } = reporter(byId("status"));
const STATES = {
  running: ["录制中", "recording"], starting: ["启动中", "starting"], reconnecting: ["正在重连", "reconnecting"], failed: ["出错", "failed"],
  stopping: ["正在结束", "ending"], stopped: ["已停止", "stopped"], ended: ["已结束", "ended"],
};
const RUNS = ["running", "starting", "reconnecting"];
const tries = new DryRuns(report);
const packs = new Packs({ say, report, drawn: (drafts) => tries.drafts(drafts), tries: (id) => tries.choose(id) });
const backfills = new Backfills({ say, report });
const drawn = new Map();
let failing = false;

async function checks() {
  const body = await (await fetch("/health")).json();
  fill(byId("checks"), (body.checks ?? []).map((check) => {
    const told = element("div", "", ...both(check.zh, check.en));
    if (!check.ok && check.repair_zh) told.append(element("div", "failed", ...both(`修复：${check.repair_zh}`, `repair: ${check.repair_en}`)));
    return row([element("span", check.ok ? "good" : "failed", check.ok ? "✓" : "✗")], check.name, [told]);
  }), 3);
}

function watch(one) {
  const run = (what, method = "POST") => () => send(`/api/v1/watches/${encodeURIComponent(one.name)}${what}`, undefined, method).then(watches, report);
  const tools = RUNS.includes(one.state) ? [action("停止", "Stop", run("/stop"))] : [action("重新开始", "Start", run("/start")), " ", action("移除", "Remove", asked(`移除 ${one.name}？录像和告警都保留。`, `Remove ${one.name}? What was recorded stays.`, run("", "DELETE")))];
  const state = element("span", `badge room-${one.state}`, ...both(...(STATES[one.state] ?? [one.state, ""])));
  const error = one.error ? both(one.error.zh, one.error.en) : "";
  const lag = element("span", one.behind ? "late" : "", `${(one.lag ?? 0).toFixed(1)} s`);
  lag.dataset.number = "";
  return keyed(one.name, row(one.name, [state], [number(timecode(one.recorded ?? 0))], [lag], [number(one.alerts ?? 0)], error, tools));
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
  drawFigures(await ask("/api/v1/operations", { days: 28 }), tile);
}

async function streams() {
  const page = await ask("/api/v1/streams", { limit: 500 });
  byId("trystream").append(...page.streams.map((one) => new Option(one.name, one.name)));
}

// Each part is asked for as often as it is worth; where one fails the others stand.
const PARTS = [[watches, 5], [() => backfills.draw(), 5], [webhooks, 15], [figures, 60], [() => packs.draw(), 60], [checks, 60]];
function look() {
  for (const [part, every] of PARTS) {
    if (performance.now() - (drawn.get(part) ?? -Infinity) < every * 1000 - LOOK_MS / 2) continue;
    drawn.set(part, performance.now());
    part().then(() => { if (failing) say(""); failing = false; }, (error) => { failing = true; report(error); });
  }
}
look();
streams().catch(report);
tries.watch().catch(report);
setInterval(() => document.hidden || look(), LOOK_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());

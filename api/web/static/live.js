// The live wall: alerts as they come, one key and one button for each thing a moderator does.

import { about, isOpen } from "./alerts.js";
import { Feed } from "./feed.js";
import { First } from "./first.js";
import { playAround } from "./hear.js";
import { escapes, keys } from "./keys.js";
import { ALERTS, Listener } from "./listen.js";
import { Measures } from "./measures.js";
import { notice } from "./notice.js";
import { drawRooms } from "./rooms.js";
import { ask, may, me, send } from "./service.js";
import { reporter } from "./table.js";
import { both, said } from "./words.js";

const ROOMS_EVERY_MS = 5000;
const byId = (id) => document.getElementById(id);
const { say, report } = reporter(byId("status"));
const acts = may("review");
const recorded = new Map();
const first = new First({ box: byId("first"), button: byId("demo"), steps: byId("steps"), report });
const feed = new Feed({ list: byId("alerts"), more: byId("more"), none: byId("noalerts"), chose: chosen });
const measures = new Measures({ form: byId("measure"), whom: byId("whom"), kind: byId("kind"), why: byId("why"), list: byId("measures"), acts, report });

function chosen(alert) {
  byId("dismiss").hidden = true;
  picture(alert);
  detail(alert);
  measures.show(alert).catch(report);
}

// The picture at the words, where anything of the stream was recorded: a transcript may have been imported alone.
function picture(alert) {
  const video = byId("video");
  video.hidden = !alert || recorded.get(alert.stream) === 0;
  if (video.hidden) return;
  video.poster = `/api/v1/streams/${encodeURIComponent(alert.stream)}/still?at=${alert.start.toFixed(3)}`;
  video.removeAttribute("src");
  video.load();
}

function detail(alert) {
  byId("about").replaceChildren(...(alert ? [about(alert)] : []));
  byId("tools").hidden = !alert;
  if (!alert) return;
  byId("whole").href = `/replay/${encodeURIComponent(alert.stream)}?${new URLSearchParams({ at: alert.start.toFixed(3), end: alert.end.toFixed(3), q: alert.matched })}`;
  if (!acts) return;
  for (const id of ["acknowledge", "refuse", "escalate", "take"]) byId(id).hidden = !isOpen(alert);
  byId("reopen").hidden = !alert.review || alert.review.state === "open";
}

async function listRooms() {
  const found = await ask("/api/v1/rooms");
  drawRooms(byId("rooms"), found.rooms, feed.room);
  for (const one of found.rooms) recorded.set(one.name, one.recorded_to);
  byId("roomcount").textContent = found.rooms.length ? String(found.rooms.length) : "";
  byId("empty").hidden = found.rooms.length > 0;
  await first.look(found.rooms.length);
  first.known(found.rooms, [...feed.alerts.values()]);
  return found.cursor;
}

let roomsAsked = 0;
// Events come in showers; the rooms are asked for once for each.
function roomsSoon() {
  clearTimeout(roomsAsked);
  roomsAsked = setTimeout(() => listRooms().catch(report), 200);
}

function heard(event) {
  first.heard(event);
  if (event.event === "search.matched") say(`${said("保存的检索有新命中", "saved search matched")}：${event.search ?? ""} ${event.text ?? ""}`);
  roomsSoon();
  if (event.event.startsWith("measure.") && feed.alert?.stream === event.stream) measures.show(feed.alert).catch(report);
  if (!event.alert_id || !(ALERTS.includes(event.event) || event.event.startsWith("alert."))) return;
  const before = feed.alerts.get(event.alert_id);
  const alert = { review: null, ...before, ...event };
  feed.heard(alert);
  if (alert.alert_id === feed.chosen) detail(alert);
  if (!before && event.event === "alert" && event.status !== "withdrawn") {
    if (event.severity === "high") byId("told").textContent = `${said("新告警", "new alert")}：${event.stream} ${event.matched}`;
    notice(event, byId("sound").checked);
  }
  if (!feed.chosen) feed.choose(byId("alerts").firstElementChild, false);
}

function linked(state) {
  if (byId("link").className === `state ${state}`) return;
  byId("link").className = `state ${state}`;
  byId("link").replaceChildren(...(state === "live" ? both("实时", "live") : both("连接中断，正在重连", "reconnecting")));
}

async function review(action, more = {}) {
  const { alert } = feed;
  if (!alert) return;
  try {
    const done = await send(`/api/v1/alerts/${encodeURIComponent(alert.alert_id)}/reviews`, { action, seen: alert.review?.number ?? 0, ...more });
    take({ ...feed.alerts.get(alert.alert_id) ?? alert, review: done });
    say("");
    if (alert.stream === first.stream) first.done("handled");
    if (!["assign", "reopen"].includes(action) && feed.chosen === alert.alert_id) feed.leave();
    roomsSoon();
  } catch (error) {
    report(error);
    // Somebody else was first: show what they did.
    if (error.status === 409) take(await ask(`/api/v1/alerts/${encodeURIComponent(alert.alert_id)}`));
  }
}

function take(alert) {
  feed.put(alert);
  if (alert.alert_id === feed.chosen) detail(alert);
}

function refuse() {
  if (!feed.alert || !isOpen(feed.alert)) return;
  byId("dismiss").hidden = false;
  byId("reason").focus();
}

function keep() {
  byId("dismiss").hidden = true;
  feed.item(feed.chosen)?.focus();
}

async function only(room) {
  feed.room = feed.room === room ? "" : room;
  byId("only").hidden = !feed.room;
  byId("onlyname").textContent = feed.room;
  for (const button of byId("rooms").querySelectorAll(".room")) button.setAttribute("aria-pressed", String(button.dataset.stream === feed.room));
  await reload();
}

async function reload() {
  const loading = feed.load();
  // Nothing of another room stands there meanwhile: a measure would go to the wrong one.
  if (!feed.chosen) chosen(null);
  await loading;
  if (!feed.chosen) feed.choose(byId("alerts").firstElementChild, false);
}

const hear = () => feed.alert && playAround(byId("video"), feed.alert).then(() => { say(""); first.done("heard"); }, report);
const ACTS = {
  a: () => review("acknowledge"), d: refuse, e: () => review("escalate"), m: () => review("assign", { assignee: me || "local" }),
  r: () => feed.alert?.review && feed.alert.review.state !== "open" && review("reopen"),
};
keys({ j: () => feed.step(1), ArrowDown: () => feed.step(1), k: () => feed.step(-1), ArrowUp: () => feed.step(-1), " ": hear, ...(acts ? ACTS : {}) });
for (const [id, key] of Object.entries({ acknowledge: "a", refuse: "d", escalate: "e", take: "m", reopen: "r" })) document.getElementById(id)?.addEventListener("click", ACTS[key]);
byId("play").addEventListener("click", hear);
byId("alerts").addEventListener("click", (event) => {
  const item = event.target.closest("li.alert");
  if (!item) return;
  feed.choose(item);
  hear();
});
byId("rooms").addEventListener("click", (event) => {
  const button = event.target.closest(".room");
  if (button) only(button.dataset.stream).catch(report);
});
byId("allrooms").addEventListener("click", () => only("").catch(report));
byId("hidefirst").addEventListener("click", () => first.hide());
byId("which").addEventListener("change", () => {
  feed.which = byId("which").value;
  byId("which").blur();
  reload().catch(report);
});
byId("more").addEventListener("click", () => feed.loadEarlier().catch(report));
byId("keep").addEventListener("click", keep);
escapes(byId("dismiss"), keep);
byId("dismiss").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("dismiss").hidden = true;
  review("dismiss", { note: byId("reason").value });
  byId("reason").value = "";
});

async function begin() {
  const cursor = await listRooms();
  await feed.load();
  first.known([], [...feed.alerts.values()]);
  feed.choose(byId("alerts").firstElementChild, false);
  new Listener(cursor, heard, linked);
  setInterval(() => listRooms().catch(() => {}), ROOMS_EVERY_MS);
}
begin().catch(report);

// The live wall: alerts as they come, one key for each thing a moderator does.

import { about, alertItem, isOpen } from "./alerts.js";
import { First } from "./first.js";
import { ALERTS, Listener } from "./listen.js";
import { notice } from "./notice.js";
import { playAround } from "./hear.js";
import { drawRooms } from "./rooms.js";
import { ask, may, me, send } from "./service.js";
import { both, element, said } from "./words.js";

const PAGE = 50;
const MEASURES = { warn: said("提醒主播", "warned"), limit: said("限流", "limited"), suspend: said("暂停", "suspended"), end: said("终止", "ended") };
const ROOMS_EVERY_MS = 5000;
const byId = (id) => document.getElementById(id);
const feed = byId("alerts");
const alerts = new Map();
const recorded = new Map();
let chosen = null;
let room = "";
let earlier = null;

function say(text, failed = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("failed", failed);
}
const report = (error) => say(error.message, true);
const first = new First({ box: byId("first"), button: byId("demo"), steps: byId("steps"), report });

const shown = (alert) => (!room || alert.stream === room) && (!byId("onlyopen").checked || isOpen(alert) || alert.alert_id === chosen);

function put(alert, newest) {
  alerts.set(alert.alert_id, alert);
  const old = byId(`alert-${alert.alert_id}`);
  if (!shown(alert)) {
    old?.remove();
    emptied();
    return;
  }
  const item = alertItem(alert);
  if (newest && !old) item.classList.add("fresh");
  if (old) old.replaceWith(item);
  else if (newest) feed.prepend(item);
  else feed.append(item);
  if (alert.alert_id === chosen) mark(item);
  emptied();
}

function emptied() {
  byId("noalerts").hidden = feed.firstElementChild !== null;
}

function mark(item) {
  for (const other of feed.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  item.setAttribute("aria-current", "true");
  byId("about").replaceChildren(about(item.alert));
}

// The picture at the words, where anything of the stream was recorded: a transcript may have been imported alone.
function show({ stream, start }) {
  const video = byId("video");
  video.hidden = recorded.get(stream) === 0;
  if (video.hidden) return;
  video.poster = `/api/v1/streams/${encodeURIComponent(stream)}/still?at=${start.toFixed(3)}`;
  video.removeAttribute("src");
  video.load();
}

// What the page chooses by itself does not take the focus from where somebody is.
function choose(item, focus = true) {
  if (!item) return;
  const before = chosen;
  chosen = item.alert.alert_id;
  // What was handled leaves once one stands elsewhere.
  if (before && before !== chosen) put(alerts.get(before), false);
  byId("dismiss").hidden = true;
  show(item.alert);
  mark(item);
  showMeasures().catch(report);
  if (!focus) return;
  item.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function redraw() {
  feed.replaceChildren();
  const newest = [...alerts.values()].sort((a, b) => (a.wall_time < b.wall_time ? 1 : -1));
  for (const alert of newest) put(alert, false);
  emptied();
}

async function listEarlier() {
  const page = await ask("/api/v1/alerts", { order: "newest", after: earlier, limit: PAGE });
  for (const alert of page.alerts) if (!alerts.has(alert.alert_id)) put(alert, false);
  earlier = page.next;
  byId("more").hidden = earlier === null;
  emptied();
}

async function listRooms() {
  const found = await ask("/api/v1/rooms");
  drawRooms(byId("rooms"), found.rooms, room);
  for (const one of found.rooms) recorded.set(one.name, one.recorded_to);
  byId("roomcount").textContent = found.rooms.length ? String(found.rooms.length) : "";
  byId("empty").hidden = found.rooms.length > 0;
  await first.look(found.rooms.length);
  first.known(found.rooms, [...alerts.values()]);
  return found.cursor;
}

function heard(event) {
  first.heard(event);
  if (event.event === "search.matched") say(`${said("保存的搜索有新命中", "saved search matched")}：${event.search ?? ""} ${event.text ?? ""}`);
  if (!event.alert_id || !(ALERTS.includes(event.event) || event.event.startsWith("alert."))) {
    listRooms().catch(report);
    return;
  }
  const before = alerts.get(event.alert_id);
  put({ review: null, ...before, ...event }, true);
  if (!before && event.status !== "withdrawn") notice(event, byId("sound").checked);
  if (!chosen) choose(feed.firstElementChild, false);
}

function linked(state) {
  byId("link").className = `state ${state}`;
  byId("link").replaceChildren(...(state === "live" ? both("实时", "live") : both("连接中断，正在重连", "reconnecting")));
}

async function showMeasures() {
  const alert = alerts.get(chosen);
  byId("measure").hidden = !acts || !alert;
  if (!alert) return;
  const { measures } = await ask(`/api/v1/streams/${encodeURIComponent(alert.stream)}/measures`);
  byId("measures").replaceChildren(...measures.map((one) => element("li", "", `${MEASURES[one.kind]} ${one.asked_by}：${one.reason}${one.answer ? ` → ${one.answer} ${one.remedy}` : ""}`)));
}

async function askMeasure(event) {
  event.preventDefault();
  const alert = alerts.get(chosen);
  try {
    await send(`/api/v1/streams/${encodeURIComponent(alert.stream)}/measures`, { kind: byId("kind").value, reason: byId("why").value, alert_id: alert.alert_id });
    byId("why").value = "";
    await showMeasures();
  } catch (error) {
    report(error);
  }
}

function leave(next) {
  const before = chosen;
  chosen = null;
  if (next?.isConnected) choose(next);
  // What was handled leaves the feed of open alerts.
  if (before) put(alerts.get(before), false);
}

async function review(action, more = {}) {
  const alert = alerts.get(chosen);
  if (!alert) return;
  const now = byId(`alert-${chosen}`);
  const next = now?.nextElementSibling ?? now?.previousElementSibling;
  try {
    const done = await send(`/api/v1/alerts/${encodeURIComponent(chosen)}/reviews`, { action, seen: alert.review?.number ?? 0, ...more });
    put({ ...alerts.get(chosen), review: done }, false);
    say("");
    if (alert.stream === first.stream) first.done("handled");
    if (action !== "assign") leave(next);
    listRooms().catch(report);
  } catch (error) {
    report(error);
    // Somebody else was first: show what they did.
    if (error.status === 409) put(await ask(`/api/v1/alerts/${encodeURIComponent(chosen)}`), false);
  }
}

function dismiss() {
  if (!chosen) return;
  byId("dismiss").hidden = false;
  byId("reason").focus();
}

const hear = () => chosen && playAround(byId("video"), alerts.get(chosen)).then(() => { say(""); first.done("heard"); }, report);
const step = (by) => {
  const now = byId(`alert-${chosen}`);
  choose(now ? (by > 0 ? now.nextElementSibling : now.previousElementSibling) : feed.firstElementChild);
};
const acts = may("review");
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), " ": hear,
  a: () => acts && review("acknowledge"), d: () => acts && dismiss(), e: () => acts && review("escalate"),
  m: () => acts && review("assign", { assignee: me }),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, video, button, a")) return;
  const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
feed.addEventListener("click", (event) => {
  const item = event.target.closest("li.alert");
  choose(item);
  hear();
});
byId("rooms").addEventListener("click", (event) => {
  const button = event.target.closest(".room");
  if (!button) return;
  room = room === button.dataset.stream ? "" : button.dataset.stream;
  listRooms().catch(report);
  redraw();
});
byId("hidefirst").addEventListener("click", () => first.hide());
byId("onlyopen").addEventListener("change", redraw);
byId("more").addEventListener("click", () => listEarlier().catch(report));
byId("measure").addEventListener("submit", askMeasure);
byId("keep").addEventListener("click", () => { byId("dismiss").hidden = true; });
byId("dismiss").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("dismiss").hidden = true;
  review("dismiss", { note: byId("reason").value });
  byId("reason").value = "";
});

async function begin() {
  const cursor = await listRooms();
  await listEarlier();
  first.known([], [...alerts.values()]);
  choose(feed.firstElementChild, false);
  new Listener(cursor, heard, linked);
  setInterval(() => listRooms().catch(() => {}), ROOMS_EVERY_MS);
}
begin().catch(report);

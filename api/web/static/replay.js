// Replay: stand on the word, set in and out points to a frame, hear them, cut the clip or the package.

import { FOUND } from "./hits.js";
import { keys } from "./keys.js";
import { settled } from "./orders.js";
import { Pins } from "./pins.js";
import { Reel } from "./reel.js";
import { ask, may, send } from "./service.js";
import { Track } from "./track.js";
import { Transcript } from "./transcript.js";
import { both, element, fine, said } from "./words.js";

const AROUND_S = 5;
const RENEW_MS = 10000;
const byId = (id) => document.getElementById(id);
const stream = byId("stage").dataset.stream;
const given = new URLSearchParams(location.search);
const video = byId("video");
const place = (what) => `/api/v1/streams/${encodeURIComponent(stream)}${what && "/"}${what}`;
const reel = new Reel(video, stream, () => video.paused && tick());
let track = null;
let transcript = null;
let from = null;
let to = null;
let stopAt = null;
// Of a transcript that was imported alone there is nothing to play.
let silent = false;
let marks = [];

function say(text, failed = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("failed", failed);
}
const report = (error) => say(error.message, true);
const pins = new Pins({ box: byId("compare"), list: byId("pins"), pair: byId("pair"), apart: byId("apart"), report });
function go(moment, play = false) {
  transcript.along();
  return silent ? stand(moment) : reel.seek(moment, play).then(() => say(""), report);
}

function stand(now) {
  byId("moment").textContent = fine(now);
  track?.stand(now);
  transcript?.follow(now);
}

function tick() {
  const now = reel.now();
  byId("moment").dataset.stands = String(reel.frames.stands);
  stand(now);
  if (stopAt !== null && now >= stopAt) {
    video.pause();
    stopAt = null;
  }
}

function choose(start, end) {
  from = start;
  to = end;
  const whole = from !== null && to !== null && to > from;
  byId("range").value = `${from === null ? "—" : fine(from)} – ${to === null ? "—" : fine(to)}${whole ? `（${(to - from).toFixed(2)} s）` : ""}`;
  for (const id of ["hear", "clip", "package", "masked"]) byId(id).disabled = !whole;
  track?.choose(from ?? 0, whole ? to : (from ?? 0));
  byId("ends").hidden = from === null && to === null;
  shot("in", from);
  shot("out", to);
}

// The picture at an end of the range. Sound may begin a moment before the first picture does.
function shot(end, at) {
  byId(`${end}shot`).hidden = at === null;
  byId(`${end}text`).textContent = at === null ? "" : `${end === "in" ? said("入点", "in") : said("出点", "out")} ${fine(at)}`;
  if (at !== null) byId(`${end}shot`).src = `${place("still")}?at=${pictured(at).toFixed(3)}`;
}

const pictured = (at) => Math.max(at, (reel.parts[0]?.start ?? 0) + 0.3);

function hear() {
  stopAt = to;
  go(from, true);
}

function shown(made, verdict) {
  const rows = [[both("时段", "range"), `${fine(made.start)} – ${fine(made.end)}`], [["SHA-256"], element("span", "hash", made.sha256)]];
  if (made.about?.segments) rows.push([both("内容", "inside"), said(`${made.about.segments} 个原始分段，${made.about.checkpoints} 个检查点，${made.about.alerts} 条告警`, `${made.about.segments} segments, ${made.about.checkpoints} checkpoints, ${made.about.alerts} alerts`)]);
  if (verdict) rows.push([both("核验", "verification"), verdictWords(verdict)]);
  if (made.about && !made.about.stamped) rows.push([both("时间戳", "time-stamp"), said("无：时间只凭录制机的时钟", "none: time rests on the recorder's clock")]);
  const list = element("dl", "about");
  for (const [name, value] of rows) list.append(element("dt", "", ...name), element("dd", "", value));
  byId("made").replaceChildren(list);
  return list;
}

function verdictWords(verdict) {
  const words = verdict.holds ? (verdict.unchecked ? said("没有矛盾（时间戳未核验）", "holds (time-stamps unchecked)") : said("核验通过", "holds")) : said("核验未通过", "does not hold");
  const failures = verdict.failures.map((failure) => element("div", "", `${failure.file}：${said(failure.zh, failure.en)}`));
  return element("div", verdict.holds ? "good" : "failed", words, ...failures);
}

async function cut() {
  say(said("正在截取…", "cutting…"));
  const made = await send("/api/v1/clips", { stream, start: from, end: to, mode: byId("mode").value });
  const list = shown(made);
  const link = element("a", "", ...both("下载", "download"));
  link.href = made.url;
  link.download = `${stream}-${made.start}-${made.mode}.mp4`;
  list.append(element("dt", "", ...both("文件", "file")), element("dd", "", link));
  say("");
}

// The case that was named, opened where there is none of that number; its address, or nothing while none is named.
async function caseAddress() {
  const number = byId("case").value.trim();
  if (!number) {
    byId("case").focus();
    return null;
  }
  const known = [...byId("cases").options].some((option) => option.value === number);
  if (!known) {
    await send("/api/v1/cases", { number }).catch((error) => { if (error.status !== 409) throw error; });
    byId("cases").append(new Option("", number));
  }
  byId("made").replaceChildren();
  return `/api/v1/cases/${encodeURIComponent(number)}`;
}

async function told(address, made) {
  const list = shown(made, await send(`${address}/exhibits/${made.id}/verification`, {}));
  const link = element("a", "", byId("case").value.trim());
  link.href = `/cases/${address.split("/").at(-1)}`;
  list.append(element("dt", "", ...both("案卷", "case")), element("dd", "", link));
  say("");
}

async function pack(event) {
  event.preventDefault();
  try {
    const address = await caseAddress();
    if (!address) return;
    say(said("正在导出证据包…", "exporting…"));
    await told(address, await send(`${address}/packages`, { stream, start: from, end: to, title: given.get("q") ?? "" }));
  } catch (error) {
    report(error);
  }
}

async function packMasked() {
  try {
    const address = await caseAddress();
    if (!address) return;
    say(said("正在导出两个版本…", "exporting both editions…"));
    const job = await send(`${address}/masked`, { stream, start: from, end: to, title: given.get("q") ?? "", faces: byId("faces").checked });
    const id = await settled(address, job);
    const { exhibits } = await ask(address);
    await told(address, exhibits.find((one) => one.id === id));
  } catch (error) {
    report(error);
  }
}

async function note(event) {
  event.preventDefault();
  try {
    const made = await send(place("timeline"), { kind: "note", text: byId("note").value, at: track.at });
    byId("note").value = "";
    transcript.remark(made);
    track.remark(made);
    say(said("已记下", "noted"));
  } catch (error) {
    report(error);
  }
}

// To the next or the last alert or hit.
function jump(by) {
  const now = track.at;
  const next = by > 0 ? marks.find((mark) => mark > now + 0.5) : marks.findLast((mark) => mark < now - 0.5);
  if (next !== undefined) go(next);
}

function step(pictures, seconds = 0) {
  transcript.along();
  return reel.step(pictures, seconds).then(() => say(""), report);
}
const KEYS = {
  " ": () => (video.paused ? video.play() : video.pause()), i: () => choose(reel.now(), to), o: () => choose(from, reel.now()),
  p: () => !byId("hear").disabled && hear(), ",": () => step(-1), ".": () => step(1), j: () => step(0, -5), l: () => step(0, 5), c: () => pins.add({ stream, at: reel.now() }), n: () => jump(1), b: () => jump(-1),
};
keys(KEYS);
byId("in").addEventListener("click", () => choose(reel.now(), to));
byId("out").addEventListener("click", () => choose(from, reel.now()));
byId("hear").addEventListener("click", hear);
byId("clip").addEventListener("click", () => cut().catch(report));
byId("make").addEventListener("submit", pack);
byId("masked").addEventListener("click", packMasked);
byId("back").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("pin").addEventListener("click", () => pins.add({ stream, at: reel.now() }));
byId("unpin").addEventListener("click", () => pins.clear());
byId("noteform").addEventListener("submit", note);
video.addEventListener("timeupdate", tick);
video.addEventListener("seeked", () => requestAnimationFrame(tick));

async function hitsOf(words) {
  if (!words || !may("search")) return [];
  const found = await ask("/api/v1/search", { q: words, stream, limit: 50 });
  return found.hits.filter((hit) => hit.stream === stream && hit.score >= FOUND);
}

// Where something is recorded: at that moment, or as soon after it as there is anything.
function recorded(parts, moment) {
  const part = parts.find((one) => moment < one.end) ?? parts.at(-1);
  return Math.max(moment < part.end ? moment : part.start, part.start);
}

function draw(overview, hits) {
  marks = [...overview.alerts, ...hits].map((one) => one.start).sort((a, b) => a - b);
  track.draw(overview, hits);
}

// A stream that goes on is looked at again now and then.
async function renew(hits) {
  const overview = await ask(place("overview"));
  if (overview.parts.at(-1)?.end === reel.parts.at(-1)?.end) return;
  reel.parts = overview.parts;
  track.reach(overview.parts.at(-1).end);
  draw(overview, hits);
  await transcript.more(overview.alerts);
}

async function begin() {
  byId("noteform").hidden = !may("review");
  const [overview, about] = await Promise.all([ask(place("overview")), ask(place(""))]);
  if (about.title) byId("title").textContent = about.title;
  silent = overview.parts.length === 0;
  byId("video").hidden = byId("tools").hidden = silent;
  byId("make").hidden = !may("exhibit") || silent;
  byId("nothing").hidden = !silent;
  reel.parts = overview.parts;
  track = new Track(byId("track"), lasts(overview), (moment) => go(moment));
  draw(overview, []);
  transcript = new Transcript(byId("transcript"), stream, (moment) => go(moment));
  const wanted = Number(given.get("at") ?? 0) || 0;
  const at = silent ? wanted : recorded(overview.parts, wanted);
  const read = transcript.load(overview.alerts, at);
  if (!silent) await reel.seek(at).catch(report);
  if (given.has("end") && !silent) choose(Math.max(0, at - AROUND_S), Math.min(lasts(overview), Number(given.get("end")) + AROUND_S));
  const [hits] = await Promise.all([hitsOf(given.get("q")), read, listCases()]);
  for (const event of overview.events) if (event.kind === "note") transcript.remark(event);
  byId("quiet").hidden = transcript.items.length > 0;
  draw(overview, hits);
  if (silent) stand(at);
  else tick();
  if (!silent && !about.ended_at) setInterval(() => document.hidden || renew(hits).catch(() => {}), RENEW_MS);
}

const lasts = ({ parts, alerts, events }) => parts.at(-1)?.end ?? Math.max(1, ...alerts.map((one) => one.end), ...events.map((one) => one.at));

async function listCases() {
  if (!may("exhibit")) return;
  const { cases } = await ask("/api/v1/cases", { limit: 100 });
  byId("cases").append(...cases.filter((one) => one.state === "open").map((one) => new Option(one.title, one.number)));
}
begin().catch(report);

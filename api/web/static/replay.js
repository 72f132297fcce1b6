// Replay: stand on the word, set in and out points to a frame, hear them, cut the clip or the package.

import { Reel } from "./reel.js";
import { ask, may, send } from "./service.js";
import { Track } from "./track.js";
import { Transcript } from "./transcript.js";
import { both, element, timecode } from "./words.js";

const FRAME_S = 0.04;
const AROUND_S = 5;
const byId = (id) => document.getElementById(id);
const stream = byId("stage").dataset.stream;
const given = new URLSearchParams(location.search);
const video = byId("video");
const reel = new Reel(video, stream);
let track = null;
let transcript = null;
let from = null;
let to = null;
let stopAt = null;

function say(text, failed = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("failed", failed);
}
const report = (error) => say(error.message, true);
const go = (moment, play = false) => reel.seek(moment, play).then(() => say(""), report);

function tick() {
  const now = reel.now();
  byId("moment").textContent = timecode(now);
  track?.stand(now);
  transcript?.follow(now);
  if (stopAt !== null && now >= stopAt) {
    video.pause();
    stopAt = null;
  }
}

function choose(start, end) {
  from = start;
  to = end;
  const whole = from !== null && to !== null && to > from;
  byId("range").value = `${from === null ? "—" : timecode(from)} – ${to === null ? "—" : timecode(to)}${whole ? `（${(to - from).toFixed(2)} s）` : ""}`;
  for (const id of ["hear", "clip", "package"]) byId(id).disabled = !whole;
  track?.choose(from ?? 0, whole ? to : (from ?? 0));
}

function hear() {
  stopAt = to;
  go(from, true);
}

function shown(made, verdict) {
  const rows = [[both("时段", "range"), `${timecode(made.start)} – ${timecode(made.end)}`], [both("SHA-256", ""), made.sha256]];
  if (verdict) rows.push([both("核验", "verification"), verdict.holds ? (verdict.unchecked ? "成立（时间戳未核验） holds (time-stamps unchecked)" : "成立 holds") : "不成立 does not hold"]);
  if (made.about && !made.about.stamped) rows.push([both("时间戳", "time-stamp"), "无：时间只凭录制机的时钟 none: time rests on the recorder's clock"]);
  const list = element("dl", "about");
  for (const [name, value] of rows) list.append(element("dt", "", ...name), element("dd", "", value));
  byId("made").replaceChildren(list);
  return list;
}

async function cut() {
  say("正在剪取… cutting…");
  const made = await send("/api/v1/clips", { stream, start: from, end: to, mode: byId("mode").value });
  const list = shown(made);
  const link = element("a", "", ...both("下载", "download"));
  link.href = made.url;
  link.download = `${stream}-${made.start}-${made.mode}.mp4`;
  list.append(element("dt", "", ...both("文件", "file")), element("dd", "", link));
  say("");
}

async function pack(event) {
  event.preventDefault();
  const number = byId("case").value.trim();
  if (!number) {
    byId("case").focus();
    return;
  }
  say("正在导出证据包… exporting…");
  try {
    const known = [...byId("cases").options].some((option) => option.value === number);
    if (!known) await send("/api/v1/cases", { number }).catch((error) => { if (error.status !== 409) throw error; });
    const address = `/api/v1/cases/${encodeURIComponent(number)}`;
    const made = await send(`${address}/packages`, { stream, start: from, end: to, title: given.get("q") ?? "" });
    const verdict = await send(`${address}/exhibits/${made.id}/verification`, {});
    const list = shown(made, verdict);
    const link = element("a", "", number);
    link.href = `/cases/${encodeURIComponent(number)}`;
    list.append(element("dt", "", ...both("案卷", "case")), element("dd", "", link));
    say("");
  } catch (error) {
    report(error);
  }
}

function pin() {
  const at = reel.now();
  const picture = element("img", "");
  picture.src = `/api/v1/streams/${encodeURIComponent(stream)}/still?at=${at.toFixed(3)}`;
  picture.alt = timecode(at);
  const button = element("button", "pin", picture, element("span", "", timecode(at)));
  button.type = "button";
  button.addEventListener("click", () => go(at));
  byId("pins").append(button);
}

async function note(event) {
  event.preventDefault();
  try {
    await send(`/api/v1/streams/${encodeURIComponent(stream)}/timeline`, { kind: "note", text: byId("note").value, at: reel.now() });
    byId("note").value = "";
    say("已记下 noted");
  } catch (error) {
    report(error);
  }
}

const step = (by) => {
  video.pause();
  go(Math.max(0, reel.now() + by));
};
const KEYS = {
  " ": () => (video.paused ? video.play() : video.pause()), i: () => choose(reel.now(), to), o: () => choose(from, reel.now()),
  p: () => !byId("hear").disabled && hear(), ",": () => step(-FRAME_S), ".": () => step(FRAME_S), j: () => step(-5), l: () => step(5),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, button, a, video, [role=slider]")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
byId("in").addEventListener("click", () => choose(reel.now(), to));
byId("out").addEventListener("click", () => choose(from, reel.now()));
byId("hear").addEventListener("click", hear);
byId("clip").addEventListener("click", () => cut().catch(report));
byId("make").addEventListener("submit", pack);
byId("pin").addEventListener("click", pin);
byId("noteform").addEventListener("submit", note);
video.addEventListener("timeupdate", tick);
video.addEventListener("seeked", tick);

async function hitsOf(words) {
  if (!words || !may("search")) return [];
  const found = await ask("/api/v1/search", { q: words, stream, limit: 50 });
  return found.hits.filter((hit) => hit.stream === stream);
}

async function begin() {
  byId("make").hidden = !may("exhibit");
  byId("noteform").hidden = !may("review");
  const overview = await ask(`/api/v1/streams/${encodeURIComponent(stream)}/overview`);
  const total = overview.parts.at(-1)?.end ?? 1;
  reel.parts = overview.parts;
  track = new Track(byId("track"), total, (moment) => go(moment));
  track.draw(overview, []);
  transcript = new Transcript(byId("transcript"), stream, (moment) => go(moment));
  const at = Number(given.get("at") ?? overview.parts[0]?.start ?? 0);
  await reel.seek(at);
  if (given.has("end")) choose(Math.max(0, at - AROUND_S), Math.min(total, Number(given.get("end")) + AROUND_S));
  await transcript.load(overview.alerts);
  tick();
  track.draw(overview, await hitsOf(given.get("q")));
  if (may("exhibit")) {
    const { cases } = await ask("/api/v1/cases", { limit: 100 });
    byId("cases").append(...cases.filter((one) => one.state === "open").map((one) => new Option(one.title, one.number)));
  }
}
begin().catch(report);

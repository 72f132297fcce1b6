// One case: exhibits in order, with comments and verification; files received; the decision; who did what.

import { actionWords } from "./actions.js";
import { Holds, listHolds } from "./holds.js";
import { settled } from "./orders.js";
import { ask, send, sendFile } from "./service.js";
import { action, asked, day, fill, keyed, renew, reporter, row, size } from "./table.js";
import { both, element, said, timecode } from "./words.js";

const byId = (id) => document.getElementById(id);
const number = byId("head").dataset.number;
const address = `/api/v1/cases/${encodeURIComponent(number)}`;
const { say, report } = reporter(byId("status"));
const KINDS = { package: ["证据包", "package"], negative: ["检索未果", "negative result"], received: ["收到的文件", "received"], note: ["说明", "note"] };
let shown = null;

const holds = new Holds({ number, changed: drawHolds, say, report });

const doing = (act) => () => act().then(draw).catch(report);

async function move(id, by) {
  const ids = shown.exhibits.map((one) => one.id);
  const at = ids.indexOf(id);
  const target = at + by;
  if (target < 0 || target >= ids.length) return;
  [ids[at], ids[target]] = [ids[target], ids[at]];
  await send(`${address}/order`, { exhibits: ids }, "PUT");
}

async function verify(place, box, about = {}) {
  const verdict = await send(`${address}/${place}/verification`, {});
  const words = verdict.holds
    ? verdict.unchecked ? ["没有矛盾；包内时间戳未核验（未配置 CA）", "no contradiction; time-stamps unchecked (no CA)"] : ["核验通过", "holds"]
    : ["核验未通过", "does not hold"];
  box.className = "verdict";
  box.replaceChildren(element("p", verdict.holds ? "good" : "failed", ...both(...words)));
  if (verdict.facts.packages !== undefined) box.append(element("p", "note", ...both(`${verdict.facts.exhibits} 件证据，其中 ${verdict.facts.packages} 个证据包逐一核验`, `${verdict.facts.exhibits} exhibits, ${verdict.facts.packages} packages verified one by one`)));
  if (verdict.holds && about.stamped === false) box.append(element("p", "note", ...both("没有可信时间戳：时间只凭录制机的时钟。", "No trusted time-stamp: time rests on the recorder's clock.")));
  for (const failure of verdict.failures) box.append(element("p", "failed", `${failure.file}：${said(failure.zh, failure.en)}`));
}

function commentOf(one) {
  const comment = element("textarea");
  comment.rows = 1;
  comment.value = one.comment;
  comment.maxLength = 4000;
  comment.setAttribute("aria-label", said("说明", "comment"));
  comment.placeholder = said("说明", "comment");
  comment.addEventListener("change", () => send(`${address}/exhibits/${one.id}`, { title: one.title, comment: comment.value }, "PUT").then(() => say(said("已保存", "saved")), report));
  return comment;
}

function toolsOf(one, box, open) {
  const tools = element("div", "line");
  const place = `exhibits/${one.id}`;
  if (one.kind === "package" || one.kind === "negative") tools.append(action("核验", "Verify", () => verify(place, box, one.about).catch(report)));
  if (one.has_file) tools.append(download(`${address}/${place}/file`, one.size));
  if (open) {
    tools.append(action("上移", "up", doing(() => move(one.id, -1))), action("下移", "down", doing(() => move(one.id, 1))));
    tools.append(action("撤下", "Withdraw", asked(`撤下“${one.title}”？经过里会留下记录。`, `Withdraw “${one.title}”? The history keeps a note of it.`, doing(() => send(`${address}/${place}`, undefined, "DELETE")))));
  }
  return tools;
}

function download(href, bytes) {
  const link = element("a", "", ...both("下载", "Download"), ` ${size(bytes)}`);
  link.href = href;
  return link;
}

function item(one) {
  const box = element("div");
  const kind = one.about.edition === "masked" ? ["遮蔽版", "masked edition"] : KINDS[one.kind];
  const head = element("div", "where", element("span", "badge", ...both(...kind)), element("b", "", one.title), element("span", "", `${day(one.added_at)} ${one.added_by}`));
  const parts = [head];
  if (one.stream) {
    const link = element("a", "", `${one.stream} ${timecode(one.start)}–${timecode(one.end)}`);
    link.href = `/replay/${encodeURIComponent(one.stream)}?at=${one.start}&end=${one.end}`;
    parts.push(element("div", "", link));
  }
  if (one.kind === "negative") parts.push(element("div", "note", ...both(`检索了 ${one.about.streams} 场、${(one.about.seconds / 3600).toFixed(2)} 小时、${one.about.gaps} 个缺口；最接近的得分 ${one.about.best}`, `${one.about.streams} streams, ${(one.about.seconds / 3600).toFixed(2)} h, ${one.about.gaps} gaps; best score ${one.about.best}`)));
  if (one.sha256) parts.push(element("div", "hash", one.sha256));
  const open = shown.state === "open";
  if (open) parts.push(commentOf(one));
  else if (one.comment) parts.push(element("p", "", one.comment));
  parts.push(toolsOf(one, box, open), box);
  return keyed(one.id, element("li", "panel exhibit", element("div", "place", String(one.position)), element("div", "", ...parts)));
}

function exported(one) {
  const box = element("div");
  const place = `exports/${one.name}`;
  const line = element("div", "line", action("核验", "Verify", () => verify(place, box).catch(report)), download(`${address}/${place}/file`, one.size));
  return element("li", "", `${day(one.at)} ${one.by}`, element("div", "hash", one.sha256), line, box);
}

async function drawExports() {
  const { jobs, files } = await ask(`${address}/exports`);
  const waiting = jobs.filter((one) => one.state === "queued" || one.state === "running");
  byId("exports").replaceChildren(...waiting.map((one) => element("li", "", ...both("正在导出…", "exporting…"), ` ${one.title}`)), ...files.map(exported));
}

// An order, looked after until it is done; then everything is drawn anew.
async function order(path, body, words) {
  say(words);
  try {
    const job = await send(`${address}/${path}`, body);
    await drawExports();
    await settled(address, job);
    say("");
  } catch (error) {
    report(error);
  }
  await draw().catch(report);
}

async function draw() {
  shown = await ask(address);
  const open = shown.state === "open";
  byId("about").textContent = [shown.title, shown.shop, shown.outcome && `${said("处理结果", "outcome")}：${shown.outcome}`].filter(Boolean).join(" · ");
  byId("state").replaceChildren(element("span", `badge ${open ? "status-confirmed" : ""}`, ...(open ? both("在办", "open") : both("已结", "closed"))));
  const items = shown.exhibits.map(item);
  renew(byId("exhibits"), items.length ? items : [element("li", "quietfeed", ...both("还没有证据。", "No exhibits yet."))]);
  byId("adding").hidden = !open;
  byId("outcome").hidden = !open;
  byId("close").replaceChildren(...(open ? both("结案", "Close") : both("重开", "Reopen")));
  fill(byId("history"), [...shown.history].reverse().map((one) => row(day(one.at), one.by || "local", actionWords(one.action))), 3);
  await drawExports();
}

byId("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = byId("file").files[0];
  say(said("正在收入…", "receiving…"));
  try {
    await sendFile(`${address}/files?${new URLSearchParams({ title: byId("filetitle").value })}`, file, file.type);
    event.target.reset();
    say(said("已收入", "received"));
    await draw();
  } catch (error) {
    report(error);
  }
});
byId("file").addEventListener("change", () => { byId("filetitle").value ||= (byId("file").files[0]?.name ?? "").replace(/\.[^.]*$/, ""); });
byId("noting").addEventListener("submit", (event) => {
  event.preventDefault();
  send(`${address}/notes`, { title: byId("notetitle").value, comment: byId("notetext").value }).then(() => event.target.reset()).then(draw).catch(report);
});
byId("decide").addEventListener("submit", (event) => {
  event.preventDefault();
  const state = shown.state === "open" ? "closed" : "open";
  send(`${address}/decision`, { state, outcome: byId("outcome").value }, "PUT").then(draw).catch(report);
});
byId("export").addEventListener("submit", (event) => {
  event.preventDefault();
  order("exports", { reason: byId("purpose").value }, said("正在导出整卷…", "exporting…"));
});
byId("negate").addEventListener("submit", (event) => {
  event.preventDefault();
  order("negatives", { query: byId("query").value, stream: byId("within").value }, said("正在检索…", "searching…"));
});

async function drawHolds() {
  holds.draw(await listHolds());
}

async function begin() {
  await draw();
  await drawHolds();
  const { streams } = await ask("/api/v1/streams", { limit: 500 });
  if (shown.shop) byId("within").options[0].textContent = said(`${shown.shop}的全部直播`, `all streams of ${shown.shop}`);
  byId("within").append(...streams.map((one) => new Option(one.name, one.name)));
  holds.streams(streams.filter((one) => !shown.shop || one.shop === shown.shop).map((one) => one.name));
}
begin().catch(report);

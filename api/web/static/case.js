// One case: exhibits in order, with comments and verification; files received; the decision; who did what.

import { ask, send } from "./service.js";
import { action, day, reporter } from "./table.js";
import { both, element, timecode } from "./words.js";

const byId = (id) => document.getElementById(id);
const number = byId("head").dataset.number;
const address = `/api/v1/cases/${encodeURIComponent(number)}`;
const { say, report } = reporter(byId("status"));
const KINDS = { package: ["证据包", "package"], negative: ["检索未果", "negative result"], received: ["收到的文件", "received"], note: ["说明", "note"] };
let shown = null;

const doing = (act) => () => act().then(draw, report);

async function move(id, by) {
  const ids = shown.exhibits.map((one) => one.id);
  const at = ids.indexOf(id);
  const target = at + by;
  if (target < 0 || target >= ids.length) return;
  [ids[at], ids[target]] = [ids[target], ids[at]];
  await send(`${address}/order`, { exhibits: ids }, "PUT");
}

async function verify({ id, about }, box) {
  const verdict = await send(`${address}/exhibits/${id}/verification`, {});
  const words = verdict.holds
    ? verdict.unchecked ? ["没有矛盾；包内时间戳未核验（未配置 CA）", "no contradiction; time-stamps unchecked (no CA)"] : ["成立", "holds"]
    : ["不成立", "does not hold"];
  box.replaceChildren(element("p", verdict.holds ? "good" : "failed", ...both(...words)));
  if (verdict.holds && about.stamped === false) box.append(element("p", "note", ...both("没有可信时间戳：时间只凭录制机的时钟。", "No trusted time-stamp: time rests on the recorder's clock.")));
  for (const failure of verdict.failures) box.append(element("p", "failed", `${failure.file}：${failure.zh} ${failure.en}`));
}

function item(one) {
  const box = element("div");
  const head = element("div", "where", element("span", "badge", ...both(...KINDS[one.kind])), element("b", "", one.title));
  head.append(element("span", "", `${day(one.added_at)} ${one.added_by}`));
  const parts = [head];
  if (one.stream) {
    const link = element("a", "", `${one.stream} ${timecode(one.start)}–${timecode(one.end)}`);
    link.href = `/replay/${encodeURIComponent(one.stream)}?at=${one.start}`;
    parts.push(element("div", "", link));
  }
  if (one.sha256) parts.push(element("code", "hash", one.sha256));
  const comment = element("input");
  comment.value = one.comment;
  comment.maxLength = 4000;
  comment.setAttribute("aria-label", "说明 / comment");
  comment.placeholder = "说明 / comment";
  comment.className = "wide";
  comment.addEventListener("change", () => send(`${address}/exhibits/${one.id}`, { title: one.title, comment: comment.value }, "PUT").then(() => say("已保存 saved"), report));
  const tools = element("div", "line");
  tools.append(action("上移", "up", doing(() => move(one.id, -1))), action("下移", "down", doing(() => move(one.id, 1))));
  if (one.kind === "package" || one.kind === "negative") tools.append(action("核验", "Verify", () => verify(one, box).catch(report)));
  if (one.has_file) {
    const link = element("a", "", ...both("下载", "Download"));
    link.href = `${address}/exhibits/${one.id}/file`;
    tools.append(link);
  }
  tools.append(action("撤下", "Withdraw", doing(() => send(`${address}/exhibits/${one.id}`, undefined, "DELETE"))));
  parts.push(comment, tools, box);
  return element("li", "panel", ...parts);
}

async function draw() {
  shown = await ask(address);
  const open = shown.state === "open";
  byId("about").textContent = [shown.title, shown.shop, open ? "在办 open" : `已结 closed：${shown.outcome}`].filter(Boolean).join(" · ");
  byId("exhibits").replaceChildren(...shown.exhibits.map(item));
  byId("adding").hidden = !open;
  byId("outcome").hidden = !open;
  byId("close").replaceChildren(...(open ? both("结案", "Close") : both("重开", "Reopen")));
  byId("history").replaceChildren(...shown.history.map((one) => element("li", "", `${day(one.at)} ${one.by || "local"} ${one.action}`)));
}

byId("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = byId("file").files[0];
  const title = new URLSearchParams({ title: byId("filetitle").value });
  const csrf = document.querySelector('meta[name="csrf"]').content;
  try {
    const response = await fetch(`${address}/files?${title}`, { method: "POST", body: file, headers: { "X-CSRF-Token": csrf, "Content-Type": file.type } });
    const body = await response.json();
    if (!response.ok) throw new Error(`${body.zh} ${body.en}`);
    event.target.reset();
    await draw();
  } catch (error) {
    report(error);
  }
});
byId("noting").addEventListener("submit", (event) => {
  event.preventDefault();
  send(`${address}/notes`, { title: byId("notetitle").value, comment: byId("notetext").value }).then(() => event.target.reset()).then(draw, report);
});
byId("decide").addEventListener("submit", (event) => {
  event.preventDefault();
  const state = shown.state === "open" ? "closed" : "open";
  send(`${address}/decision`, { state, outcome: byId("outcome").value }, "PUT").then(draw, report);
});
draw().catch(report);

// Search: words in, places out, each with its picture; a place opens the replay at the word.

import { FOUND, hitItem } from "./hits.js";
import { ask, send } from "./service.js";
import { action, reporter } from "./table.js";
import { both, element, said } from "./words.js";

const byId = (id) => document.getElementById(id);
const { say, report } = reporter(byId("status"));
const FIELDS = ["stream", "shop", "host", "product", "alerted"];
const TIMES = ["from", "to", "near"];
const FIRST = 20;
const MOST = 100;
let limit = FIRST;
let asked = 0;

// Moments are typed by the clock of this place and asked for in UTC, which the address keeps.
const moment = (name) => (byId(name).value ? new Date(byId(name).value).toISOString() : "");
const pad = (value) => String(value).padStart(2, "0");
function local(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "";
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

const given = () => Object.fromEntries([...FIELDS.map((name) => [name, byId(name).value]), ...TIMES.map((name) => [name, moment(name)])]);

function told(found, sure) {
  const { streams, seconds, gaps, not_indexed: waiting } = found.searched;
  const hours = (seconds / 3600).toFixed(2);
  const rest = waiting ? said(`，另有 ${waiting} 句尚未编入`, `, ${waiting} utterances not yet indexed`) : "";
  say(said(`${sure} 处；检索了 ${streams} 场、${hours} 小时、${gaps} 个缺口`, `${sure} hits; searched ${streams} streams, ${hours} h, ${gaps} gaps`) + rest);
}

// What only comes near stands apart: it is no find, and no proof that there is none.
function list(hits, query) {
  const sure = hits.filter((hit) => hit.score >= FOUND);
  const near = hits.filter((hit) => hit.score < FOUND);
  byId("hits").replaceChildren(...sure.map((hit) => hitItem(hit, query)));
  byId("nearlist").replaceChildren(...near.map((hit) => hitItem(hit, query)));
  byId("nears").hidden = near.length === 0;
  byId("nothing").hidden = sure.length > 0;
  byId("more").hidden = hits.length < limit || limit >= MOST;
  return sure.length;
}

async function search() {
  asked += 1;
  const turn = asked;
  const query = byId("words").value;
  say(said("正在检索…", "searching…"));
  try {
    const found = await ask("/api/v1/search", { q: query, ...given(), limit });
    if (turn !== asked) return;
    told(found, list(found.hits, query));
    const kept = new URLSearchParams([["q", query], ["format", "csv"], ["limit", String(MOST)], ...Object.entries(given()).filter(([, value]) => value)]);
    byId("csv").href = `/api/v1/search?${kept}`;
    byId("csv").hidden = byId("save").hidden = false;
  } catch (error) {
    if (turn === asked) report(error);
  }
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const kept = new URLSearchParams([["q", byId("words").value], ...Object.entries(given())].filter(([, value]) => value));
  history.replaceState(null, "", `/search?${kept}`);
  limit = FIRST;
  search();
});
byId("more").addEventListener("click", () => {
  limit = MOST;
  search();
});

byId("save").addEventListener("click", async () => {
  const query = byId("words").value;
  const wanted = { query, stream: byId("stream").value, shop: byId("shop").value, host: byId("host").value, product: byId("product").value };
  try {
    await send(address(query.replaceAll("/", " ").slice(0, 100)), wanted, "PUT");
    say(said("已保存，新的命中会出现在直播墙和推送里。", "Saved; new matches are told on the wall and by webhooks."));
    await listSaved();
  } catch (error) {
    report(error);
  }
});

const address = (name) => `/api/v1/searches/${encodeURIComponent(name)}`;

async function listSaved() {
  const { searches } = await ask("/api/v1/searches");
  byId("saved").hidden = searches.length === 0;
  byId("savedlist").replaceChildren(...searches.map((one) => {
    const link = element("a", "", one.name);
    link.href = `/search?${new URLSearchParams(Object.entries({ q: one.query, stream: one.stream, shop: one.shop, host: one.host, product: one.product }).filter(([, value]) => value))}`;
    const gone = action("删除", "Remove", () => send(address(one.name), undefined, "DELETE").then(listSaved, report));
    return element("li", "line", link, element("span", "note", ...both(`已有 ${one.matches ?? 0} 处新命中`, `${one.matches ?? 0} new`)), gone);
  }));
}

async function begin() {
  const wanted = new URLSearchParams(location.search);
  byId("words").value = wanted.get("q") ?? "";
  listSaved().catch(report);
  const page = await ask("/api/v1/streams", { limit: 500 });
  for (const stream of page.streams) byId("stream").append(new Option(stream.title ? `${stream.name}（${stream.title}）` : stream.name, stream.name));
  for (const name of FIELDS) byId(name).value = wanted.get(name) ?? "";
  for (const name of TIMES) byId(name).value = local(wanted.get(name) ?? "");
  if (byId("words").value && !asked) await search();
}
begin().catch(report);

// Search: words in, places out, each with its picture; a place opens the replay at the word.

import { ask, send } from "./service.js";
import { day } from "./table.js";
import { both, element, marked, said, timecode } from "./words.js";

const byId = (id) => document.getElementById(id);
const WAYS = { exact: ["原话", "exact"], letters: ["字面", "letters"], sound: ["读音", "sound"], concept: ["概念", "concept"], meaning: ["含义", "meaning"] };
const FIELDS = ["stream", "shop", "host", "product", "alerted", "from", "to", "near"];

function say(text, failed = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("failed", failed);
}

function place(hit) {
  const at = new URLSearchParams({ at: hit.start.toFixed(3), end: hit.end.toFixed(3), q: byId("words").value });
  const link = element("a", "hit");
  link.href = `/replay/${encodeURIComponent(hit.stream)}?${at}`;
  const picture = element("img", "thumb");
  picture.src = `/api/v1/streams/${encodeURIComponent(hit.stream)}/still?at=${hit.start.toFixed(3)}`;
  picture.loading = "lazy";
  picture.alt = "";
  const where = element("div", "where", element("b", "", hit.stream), element("span", "", timecode(hit.start)));
  where.append(element("span", "", day(hit.wall_time)));
  const why = element("div", "where");
  for (const reason of hit.why) why.append(element("span", "badge", ...both(...(WAYS[reason.way] ?? [reason.way, ""]))));
  if (hit.denied) why.append(element("span", "badge", ...both("此处为否定", "denied here")));
  link.append(picture, element("div", "", where, element("div", "words", ...marked(hit.text, hit.matched)), why));
  return element("li", "", link);
}

function told(found) {
  const { streams, seconds, gaps, not_indexed: waiting } = found.searched;
  const hours = (seconds / 3600).toFixed(2);
  const rest = waiting ? said(`，另有 ${waiting} 句尚未编入`, `, ${waiting} utterances not yet indexed`) : "";
  say(said(`${found.hits.length} 处；搜了 ${streams} 场、${hours} 小时、${gaps} 个缺口`, `${found.hits.length} hits; searched ${streams} streams, ${hours} h, ${gaps} gaps`) + rest);
}

async function search() {
  say(said("正在搜索…", "searching…"));
  const given = Object.fromEntries(FIELDS.map((name) => [name, byId(name).value]));
  try {
    const found = await ask("/api/v1/search", { q: byId("words").value, ...given, limit: 20 });
    byId("hits").replaceChildren(...found.hits.map(place));
    told(found);
    const kept = new URLSearchParams([["q", byId("words").value], ["format", "csv"], ["limit", "100"], ...Object.entries(given).filter(([, v]) => v)]);
    byId("csv").href = `/api/v1/search?${kept}`;
    byId("csv").hidden = byId("save").hidden = false;
  } catch (error) {
    say(error.message, true);
  }
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const kept = new URLSearchParams([["q", byId("words").value], ...FIELDS.map((name) => [name, byId(name).value])].filter(([, v]) => v));
  history.replaceState(null, "", `/search?${kept}`);
  search();
});

byId("save").addEventListener("click", async () => {
  const query = byId("words").value;
  const wanted = { query, stream: byId("stream").value, shop: byId("shop").value, host: byId("host").value, product: byId("product").value };
  try {
    await send(`/api/v1/searches/${encodeURIComponent(query.replaceAll("/", " "))}`, wanted, "PUT");
    say(said("已保存，新的命中会出现在直播墙和推送里。", "Saved; new matches are told on the wall and by webhooks."));
  } catch (error) {
    say(error.message, true);
  }
});

async function begin() {
  const page = await ask("/api/v1/streams", { limit: 500 });
  for (const stream of page.streams) byId("stream").append(new Option(stream.title ? `${stream.name}（${stream.title}）` : stream.name, stream.name));
  const given = new URLSearchParams(location.search);
  byId("words").value = given.get("q") ?? "";
  for (const name of FIELDS) byId(name).value = given.get(name) ?? "";
  if (byId("words").value) await search();
}
begin().catch((error) => say(error.message, true));

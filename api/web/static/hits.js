// Hits of a search: which are found and which only come near, and how one is shown.

import { day } from "./table.js";
import { both, element, marked, timecode } from "./words.js";

// From here on a hit speaks against a negative result (evidence/negative.py).
export const FOUND = 0.7;
const WAYS = { exact: ["原话", "exact"], letters: ["字面", "letters"], sound: ["读音", "sound"], concept: ["概念", "concept"], meaning: ["含义", "meaning"] };

export function hitItem(hit, query) {
  const at = new URLSearchParams({ at: hit.start.toFixed(3), end: hit.end.toFixed(3), q: query });
  const link = element("a", "hit");
  link.href = `/replay/${encodeURIComponent(hit.stream)}?${at}`;
  const where = element("div", "where", element("b", "", hit.stream), element("span", "", timecode(hit.start)));
  where.append(element("span", "", day(hit.wall_time)));
  const why = element("div", "where");
  for (const reason of hit.why) why.append(element("span", "badge", ...both(...(WAYS[reason.way] ?? [reason.way, ""]))));
  if (hit.denied) why.append(element("span", "badge", ...both("此处为否定", "denied here")));
  link.append(thumb(hit), element("div", "", where, element("div", "words", ...marked(hit.text, hit.matched)), why));
  return element("li", "", link);
}

function thumb(hit) {
  const picture = element("img", "thumb");
  picture.src = `/api/v1/streams/${encodeURIComponent(hit.stream)}/still?at=${hit.start.toFixed(3)}`;
  picture.loading = "lazy";
  picture.alt = "";
  // Nothing was recorded of it, or not yet.
  picture.addEventListener("error", () => picture.replaceWith(element("span", "thumb absent", ...both("无画面", "no picture"))));
  return picture;
}

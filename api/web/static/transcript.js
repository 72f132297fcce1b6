// What was said, sentence by sentence; it follows the player and can be clicked, to the word where one stands.

import { ask } from "./service.js";
import { both, element, marked, timecode } from "./words.js";

const PAGE = 500;

export class Transcript {
  constructor(list, stream, chosen) {
    this.list = list;
    this.stream = stream;
    this.items = [];
    this.current = null;
    list.addEventListener("click", (event) => {
      const word = event.target.closest("[data-at]");
      if (word) chosen(Number(word.dataset.at));
    });
  }

  async load(alerts) {
    const marks = new Map(alerts.map((alert) => [alert.start.toFixed(1), alert]));
    for (let from = 0; from !== null; ) {
      const page = await ask(`/api/v1/streams/${encodeURIComponent(this.stream)}/utterances`, { from, limit: PAGE });
      for (const utterance of page.utterances) this.add(utterance, [...marks.values()]);
      from = page.next;
    }
  }

  // A note stands before what was said next.
  remark({ at, text, author }) {
    const item = element("li", "remarked", element("time", "", timecode(at)), element("span", "", ...both("备注：", "note: "), author ? `${author}：${text}` : text));
    item.dataset.at = at;
    const next = this.items.find((one) => one.utterance.start > at);
    if (next) next.before(item);
    else this.list.append(item);
  }

  add(utterance, alerts) {
    const inside = alerts.find((alert) => alert.start >= utterance.start - 0.05 && alert.start < utterance.end);
    const said = element("span", "said", ...marked(utterance.text, inside?.matched ?? ""));
    const item = element("li", inside ? "flagged" : "", element("time", "", timecode(utterance.start)), said);
    item.dataset.at = utterance.start;
    item.utterance = utterance;
    this.list.append(item);
    this.items.push(item);
  }

  follow(moment) {
    const item = this.items.find((one) => moment < one.utterance.end) ?? null;
    if (item === this.current) return;
    if (this.current) this.close(this.current);
    this.current = item;
    if (!item) return;
    item.setAttribute("aria-current", "true");
    const { words } = item.utterance;
    if (words.length) {
      const parts = words.map((word) => {
        const part = element("span", "word", word.text);
        part.dataset.at = word.start;
        return part;
      });
      item.querySelector(".said").replaceChildren(...parts);
    }
    item.scrollIntoView({ block: "nearest" });
  }

  close(item) {
    item.removeAttribute("aria-current");
    item.querySelector(".said").textContent = item.utterance.text;
  }
}

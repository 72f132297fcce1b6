// What was said, sentence by sentence; it follows the player and can be chosen by pointer or keys, to the word where one stands.

import { ask } from "./service.js";
import { both, element, markedAll, placesOf, timecode } from "./words.js";

const PAGE = 500;
const LEAD_S = 120;
const READS_MS = 4000;

export class Transcript {
  constructor(list, stream, chosen) {
    this.list = list;
    this.box = list.closest(".script");
    this.stream = stream;
    this.chosen = chosen;
    this.items = [];
    this.ids = new Set();
    this.alerts = [];
    this.current = null;
    this.readAt = -Infinity;
    list.addEventListener("click", (event) => {
      const word = event.target.closest("[data-at]");
      if (word) chosen(Number(word.dataset.at));
    });
    list.addEventListener("keydown", (event) => this.key(event));
    // Who reads elsewhere is not pulled back at once.
    for (const kind of ["wheel", "touchmove", "keydown"]) this.box.addEventListener(kind, () => { this.readAt = performance.now(); }, { passive: true });
  }

  // What is around the place where one stands comes first, then what was before, then the rest.
  async load(alerts, at) {
    this.alerts = alerts;
    const from = Math.max(0, at - LEAD_S);
    let next = await this.page(from);
    this.follow(at);
    if (from > 0) await this.before(from);
    while (next !== null) next = await this.page(next);
  }

  // What was said since, of a stream that goes on.
  async more(alerts) {
    this.alerts = alerts;
    for (let next = this.items.at(-1)?.utterance.end ?? 0; next !== null; ) next = await this.page(next);
  }

  async page(from) {
    const page = await this.ask(from);
    const items = this.made(page.utterances);
    this.items.push(...items);
    this.list.append(...items);
    return page.next;
  }

  async before(to) {
    const items = [];
    for (let from = 0; from !== null; ) {
      const page = await this.ask(from, to);
      items.push(...this.made(page.utterances));
      from = page.next;
    }
    const stood = this.list.scrollHeight;
    this.items.unshift(...items);
    this.list.prepend(...items);
    this.box.scrollTop += this.list.scrollHeight - stood;
    if (this.current) this.show(this.current);
  }

  ask(from, to = "") {
    return ask(`/api/v1/streams/${encodeURIComponent(this.stream)}/utterances`, { from, to, limit: PAGE });
  }

  made(utterances) {
    const fresh = utterances.filter((one) => !this.ids.has(one.id));
    for (const one of fresh) this.ids.add(one.id);
    return fresh.map((one) => this.item(one));
  }

  item(utterance) {
    const flags = this.alerts.filter((alert) => alert.start >= utterance.start - 0.05 && alert.start < utterance.end).map((alert) => alert.matched);
    const item = element("li", flags.length ? "flagged" : "", element("time", "", timecode(utterance.start)), element("span", "said", ...markedAll(utterance.text, flags)));
    item.dataset.at = utterance.start;
    item.tabIndex = this.items.length || this.list.querySelector("[tabindex='0']") ? -1 : 0;
    Object.assign(item, { utterance, flags });
    return item;
  }

  // A note stands before what was said next.
  remark({ at, text, author }) {
    const item = element("li", "remarked", element("time", "", timecode(at)), element("span", "", ...both("备注：", "note: "), author ? `${author}：${text}` : text));
    item.dataset.at = at;
    item.tabIndex = -1;
    const next = this.items.find((one) => one.utterance.start > at);
    if (next) next.before(item);
    else this.list.append(item);
  }

  key(event) {
    const item = event.target.closest("li");
    const to = { ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling, Home: this.list.firstElementChild, End: this.list.lastElementChild };
    if (event.key === "Enter" && item) this.chosen(Number(item.dataset.at));
    else if (event.key in to) this.stop(to[event.key], true);
    else return;
    event.preventDefault();
  }

  // One sentence of the list is where the Tab key comes to.
  stop(item, focus) {
    if (!item) return;
    for (const other of this.list.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    item.tabIndex = 0;
    if (focus) item.focus();
  }

  // The sentence at a moment, or the next one.
  at(moment) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].utterance.end <= moment) low = middle + 1;
      else high = middle;
    }
    return this.items[low] ?? null;
  }

  // Somebody goes elsewhere on purpose: the transcript goes along at once.
  along() {
    this.readAt = -Infinity;
  }

  follow(moment) {
    const item = this.at(moment);
    if (item === this.current) return;
    if (this.current) this.close(this.current);
    this.current = item;
    if (!item) return;
    item.setAttribute("aria-current", "true");
    item.querySelector(".said").replaceChildren(...words(item));
    if (!this.list.contains(document.activeElement)) this.stop(item, false);
    if (performance.now() - this.readAt > READS_MS) this.show(item);
  }

  // Scrolls the transcript and nothing else.
  show(item) {
    const [box, place] = [this.box.getBoundingClientRect(), item.getBoundingClientRect()];
    if (place.top < box.top || place.bottom > box.bottom) this.box.scrollTop += place.top - box.top - box.height / 3;
  }

  close(item) {
    item.removeAttribute("aria-current");
    item.querySelector(".said").replaceChildren(...markedAll(item.utterance.text, item.flags));
  }
}

// The text as it is written, each word of it with its moment; what was alerted stays marked.
function words({ utterance, flags }) {
  const { text } = utterance;
  const marks = placesOf(text, flags);
  const parts = [];
  let at = 0;
  for (const word of utterance.words) {
    const found = text.indexOf(word.text, at);
    if (found < 0) continue;
    const end = found + word.text.length;
    const part = element(marks.some(([from, to]) => found < to && end > from) ? "mark" : "span", "word", word.text);
    part.dataset.at = word.start;
    parts.push(text.slice(at, found), part);
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}

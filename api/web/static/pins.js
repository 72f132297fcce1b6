// Moments that were pinned, of this stream or of others, and two of them side by side: picture, words, what was on the shelf.

import { ask } from "./service.js";
import { both, element, fine, said } from "./words.js";

const KEPT = "livewitness.pins";
const MOST = 12;
const BEFORE_S = 0.5;
const AFTER_S = 1;
const overviews = new Map();

const still = ({ stream, at }) => `/api/v1/streams/${encodeURIComponent(stream)}/still?at=${at.toFixed(3)}`;
const same = (one, other) => one.stream === other.stream && one.at === other.at;

function picture(pin) {
  const made = element("img", "");
  made.src = still(pin);
  made.alt = `${pin.stream} ${fine(pin.at)}`;
  return made;
}

async function overviewOf(stream) {
  if (!overviews.has(stream)) overviews.set(stream, await ask(`/api/v1/streams/${encodeURIComponent(stream)}/overview`));
  return overviews.get(stream);
}

const last = (events, kind, at) => events.filter((event) => event.kind === kind && event.at <= at).at(-1);

async function side(pin) {
  const place = `/api/v1/streams/${encodeURIComponent(pin.stream)}/utterances`;
  const [overview, said] = await Promise.all([overviewOf(pin.stream), ask(place, { from: Math.max(0, pin.at - BEFORE_S).toFixed(3), to: (pin.at + AFTER_S).toFixed(3) })]);
  const link = element("a", "", `${pin.stream} ${fine(pin.at)}`);
  link.href = `/replay/${encodeURIComponent(pin.stream)}?at=${pin.at.toFixed(3)}`;
  const list = element("dl", "about");
  const product = last(overview.events, "product", pin.at);
  const price = last(overview.events, "price", pin.at);
  if (product?.text) list.append(element("dt", "", ...both("在架", "on the shelf")), element("dd", "", product.text));
  if (price) list.append(element("dt", "", ...both("价格", "price")), element("dd", "", `¥${price.price}`));
  const words = element("blockquote", "", said.utterances.map((one) => one.text).join("") || "—");
  return element("figure", "", picture(pin), element("figcaption", "", link), words, list);
}

export class Pins {
  constructor({ box, list, pair, apart, report }) {
    Object.assign(this, { box, list, pair, apart, report });
    this.pins = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    this.chosen = this.pins.slice(-2);
    this.draw();
  }

  add(pin) {
    if (this.pins.some((one) => same(one, pin))) return;
    this.pins = [...this.pins, pin].slice(-MOST);
    this.choose(pin);
  }

  choose(pin) {
    const rest = this.chosen.filter((one) => !same(one, pin));
    this.chosen = rest.length < this.chosen.length ? rest : [...rest, pin].slice(-2);
    this.draw();
  }

  clear() {
    this.pins = [];
    this.chosen = [];
    this.draw();
  }

  draw() {
    sessionStorage.setItem(KEPT, JSON.stringify(this.pins));
    this.box.hidden = this.pins.length === 0;
    this.list.replaceChildren(...this.pins.map((pin) => {
      const button = element("button", "pin", picture(pin), element("span", "", pin.stream), element("span", "", fine(pin.at)));
      button.type = "button";
      button.setAttribute("aria-pressed", String(this.chosen.some((one) => same(one, pin))));
      button.addEventListener("click", () => this.choose(pin));
      return button;
    }));
    this.compare().catch(this.report);
  }

  async compare() {
    const [one, other] = this.chosen;
    if (!other) {
      this.apart.textContent = said("再钉住一个时刻即可比较", "pin another moment to compare");
      this.pair.replaceChildren();
      return;
    }
    const sides = await Promise.all([side(one), side(other)]);
    if (this.chosen[0] !== one || this.chosen[1] !== other) return;
    this.apart.textContent = one.stream === other.stream ? said(`相隔 ${Math.abs(other.at - one.at).toFixed(2)} 秒`, `${Math.abs(other.at - one.at).toFixed(2)} s apart`) : "";
    this.pair.replaceChildren(...sides);
  }
}

// The timeline of a replay: what is recorded, where it is not, alerts, products, hits, and where one stands.

import { shape } from "./drawing.js";
import { said, timecode } from "./words.js";

const HEIGHT = 56;

export class Track {
  constructor(box, total, chosen) {
    this.box = box;
    this.svg = shape("svg", { viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none" });
    this.head = shape("line", { y1: 0, y2: HEIGHT, class: "playhead" });
    this.range = shape("rect", { y: 0, height: HEIGHT, class: "chosen", width: 0 });
    box.replaceChildren(this.svg);
    box.addEventListener("click", (event) => {
      const { left, width } = box.getBoundingClientRect();
      chosen(((event.clientX - left) / width) * this.total);
    });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -5, ArrowRight: 5, PageUp: -60, PageDown: 60, Home: -Infinity, End: Infinity }[event.key];
      if (!step) return;
      event.preventDefault();
      chosen(Math.min(this.total, Math.max(0, this.at + step)));
    });
    this.at = 0;
    this.reach(total);
  }

  // How long it is; a stream that goes on grows.
  reach(total) {
    this.total = Math.max(total, 0.001);
    this.box.setAttribute("aria-valuemax", String(Math.round(total)));
  }

  x(moment) {
    return (moment / this.total) * 1000;
  }

  span(from, to, y, height, kind, title) {
    const width = Math.max(2, this.x(to) - this.x(from));
    this.svg.append(shape("rect", { x: this.x(from), y, width, height, class: kind }, title));
  }

  draw(overview, hits) {
    this.svg.replaceChildren();
    for (const part of overview.parts) this.span(part.start, part.end, 20, 20, "part");
    for (const gap of overview.gaps) this.span(gap.start, gap.end, 20, 20, "gap", `${said("缺口", "gap")} ${timecode(gap.start)}–${timecode(gap.end)} ${gap.reason}`);
    for (const event of overview.events) {
      if (event.kind === "product") this.span(event.at, event.at, 42, 14, "product", event.text || said("下架", "off the shelf"));
      if (event.kind === "note") this.remark(event);
    }
    for (const alert of overview.alerts) this.span(alert.start, alert.end, 20, 20, `alert ${alert.severity}`, `${alert.title}：${alert.matched}`);
    for (const hit of hits) this.span(hit.start, hit.end, 2, 14, "hit", hit.matched);
    this.svg.append(this.range, this.head);
    this.stand(this.at);
  }

  remark(event) {
    this.span(event.at, event.at, 2, 14, "remark", `${said("备注", "note")}：${event.text}`);
  }

  stand(moment) {
    this.at = moment;
    this.head.setAttribute("x1", this.x(moment));
    this.head.setAttribute("x2", this.x(moment));
    this.box.setAttribute("aria-valuenow", String(Math.round(moment)));
    this.box.setAttribute("aria-valuetext", timecode(moment));
  }

  choose(from, to) {
    this.range.setAttribute("x", this.x(from));
    this.range.setAttribute("width", Math.max(0, this.x(to) - this.x(from)));
  }
}

// The feed of the live wall: which alerts are asked for, which stand in the list, and the one that is chosen.

import { alertItem, isOpen, stateOf } from "./alerts.js";
import { ask, me } from "./service.js";

const PAGE = 50;
const MOST = 300;
const ENOUGH = 20;
const PAGES_AT_ONCE = 5;

// What is asked of the service, and what of it is shown: suspicions may be withdrawn, steps taken, meanwhile.
const WHICH = {
  open: { asks: { review: "open" }, shows: isOpen },
  grave: { asks: { review: "open", limit: 200 }, shows: (alert) => isOpen(alert) && alert.severity === "high" },
  mine: { asks: { review: "open", assignee: me || "local" }, shows: (alert) => isOpen(alert) && alert.review?.assignee === (me || "local") },
  escalated: { asks: { review: "escalated" }, shows: (alert) => stateOf(alert) === "escalated" },
  all: { asks: {}, shows: () => true },
};

export class Feed {
  constructor({ list, more, none, chose }) {
    Object.assign(this, { list, more, none, chose });
    this.alerts = new Map();
    this.told = new Set();
    this.which = "open";
    this.room = "";
    this.chosen = null;
    this.earlier = null;
    this.asked = 0;
  }

  get alert() {
    return this.alerts.get(this.chosen);
  }

  shows(alert) {
    return (!this.room || alert.stream === this.room) && (WHICH[this.which].shows(alert) || alert.alert_id === this.chosen);
  }

  // Everything anew, after another room or another kind was chosen.
  async load() {
    this.told.clear();
    this.earlier = "";
    const kept = this.alert;
    this.alerts.clear();
    if (kept && (!this.room || kept.stream === this.room)) this.alerts.set(kept.alert_id, kept);
    else this.chosen = null;
    this.redraw();
    await this.loadEarlier();
  }

  // Pages until there is enough to look at. What came by an event meanwhile is newer than what a page says.
  async loadEarlier() {
    this.asked += 1;
    const turn = this.asked;
    const before = this.list.childElementCount;
    for (let pages = 0; pages < PAGES_AT_ONCE && this.earlier !== null; pages += 1) {
      const page = await ask("/api/v1/alerts", { order: "newest", after: this.earlier, limit: PAGE, stream: this.room, ...WHICH[this.which].asks });
      if (turn !== this.asked) return;
      for (const alert of page.alerts) if (!this.told.has(alert.alert_id)) this.put(alert);
      this.earlier = page.next;
      if (this.list.childElementCount - before >= ENOUGH) break;
    }
    this.more.hidden = this.earlier === null;
    this.emptied();
  }

  // In its place, newest first; changed where it stands.
  put(alert, fresh = false) {
    this.alerts.set(alert.alert_id, alert);
    const old = this.item(alert.alert_id);
    if (!this.shows(alert)) {
      old?.remove();
      this.emptied();
      return;
    }
    const item = alertItem(alert);
    if (alert.alert_id === this.chosen) item.setAttribute("aria-current", "true");
    if (old) {
      const focused = document.activeElement === old;
      old.replaceWith(item);
      if (focused) item.focus({ preventScroll: true });
    } else {
      if (fresh) item.classList.add("fresh");
      this.list.insertBefore(item, this.follower(alert));
      if (fresh) this.prune();
    }
    this.emptied();
  }

  follower(alert) {
    const last = this.list.lastElementChild;
    if (!last || newer(last.alert, alert)) return null;
    return [...this.list.children].find((one) => newer(alert, one.alert));
  }

  heard(alert) {
    this.told.add(alert.alert_id);
    this.put(alert, true);
  }

  // A wall that is open all day keeps the newest; what fell out is had again as "earlier".
  prune() {
    while (this.list.childElementCount > MOST) {
      const last = this.list.lastElementChild;
      if (last.alert.alert_id === this.chosen) return;
      last.remove();
      this.alerts.delete(last.alert.alert_id);
      this.earlier = this.list.lastElementChild.alert.alert_id;
      this.more.hidden = false;
    }
  }

  redraw() {
    this.list.replaceChildren();
    for (const alert of this.alerts.values()) this.put(alert);
    this.emptied();
  }

  emptied() {
    this.none.hidden = this.list.firstElementChild !== null;
  }

  item(id) {
    return id === null ? null : document.getElementById(`alert-${id}`);
  }

  // What the page chooses by itself does not take the focus from where somebody is.
  choose(item, focus = true) {
    if (!item) return;
    const before = this.alert;
    this.chosen = item.alert.alert_id;
    // What was handled leaves once one stands elsewhere.
    if (before && before.alert_id !== this.chosen) this.put(before);
    for (const other of this.list.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    item.setAttribute("aria-current", "true");
    this.chose(item.alert);
    if (!focus) return;
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }

  step(by) {
    const now = this.item(this.chosen);
    this.choose(now ? (by > 0 ? now.nextElementSibling : now.previousElementSibling) : this.list.firstElementChild);
  }

  // The one that was handled leaves the feed, and the next is chosen.
  leave() {
    const now = this.item(this.chosen);
    const next = now?.nextElementSibling ?? now?.previousElementSibling;
    const before = this.alert;
    if (next) {
      this.choose(next);
      return;
    }
    this.chosen = null;
    if (before) this.put(before);
    this.chose(null);
  }
}

function newer(one, other) {
  return one.wall_time > other.wall_time || (one.wall_time === other.wall_time && one.alert_id > other.alert_id);
}

// The first run: an empty console offers the demonstration, and ticks off what there is to see as it happens.

import { ask, may, send } from "./service.js";
import { both } from "./words.js";

const HIDDEN = "livewitness.first.hidden";

export class First {
  constructor({ box, button, steps, report }) {
    Object.assign(this, { box, button, steps, report });
    this.stream = "";
    this.state = "unavailable";
    this.allowed = may("operate");
    button.addEventListener("click", () => this.play());
  }

  hide() {
    sessionStorage.setItem(HIDDEN, "1");
    this.box.hidden = true;
  }

  // `rooms`: how many there are; an empty console offers, one that plays explains.
  async look(rooms) {
    if (this.state === "unavailable" || this.state === "playing") this.take(await ask("/api/v1/demonstration"));
    const offers = this.state === "idle" && rooms === 0 && this.allowed;
    const explains = this.state === "playing" || (this.state === "ended" && this.begun);
    this.box.hidden = Boolean(sessionStorage.getItem(HIDDEN)) || !(offers || explains);
  }

  take({ state, stream }) {
    this.state = state;
    this.stream = stream;
    if (state === "playing") {
      this.begun = true;
      this.button.disabled = true;
      this.button.replaceChildren(...both("正在播放", "playing"));
    } else {
      this.button.hidden = !this.allowed || this.begun === true;
    }
    if (state === "ended" && this.begun) this.done("ended");
  }

  async play() {
    this.button.disabled = true;
    this.button.replaceChildren(...both("正在准备…", "getting ready…"));
    sessionStorage.removeItem(HIDDEN);
    try {
      this.take(await send("/api/v1/demonstration", {}));
    } catch (error) {
      this.report(error);
      this.button.disabled = false;
    }
  }

  done(step) {
    if (!this.begun) return;
    this.steps.querySelector(`[data-step="${step}"]`)?.classList.add("done");
  }

  // What was there before this page was opened.
  known(rooms, alerts) {
    if (rooms.some((one) => one.name === this.stream)) this.done("playing");
    if (alerts.some((one) => one.stream === this.stream)) this.done("alert");
  }

  // An event of the stream.
  heard(event) {
    if (!this.stream || event.stream !== this.stream) return;
    this.done("playing");
    if (event.alert_id) this.done("alert");
  }
}

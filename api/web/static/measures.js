// Measures towards the platform for the room of an alert: asked for with a reason, answered once, with the remedy.

import { ask, send } from "./service.js";
import { action, day } from "./table.js";
import { both, element, said } from "./words.js";

const WORDS = { warn: ["提醒主播", "warn the host"], limit: ["限流", "limit traffic"], suspend: ["暂停直播", "suspend"], end: ["终止直播", "end"] };
const place = (stream) => `/api/v1/streams/${encodeURIComponent(stream)}/measures`;

export class Measures {
  constructor({ form, whom, kind, why, list, acts, report }) {
    Object.assign(this, { form, whom, kind, why, list, acts, report });
    this.alert = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.order().catch(report);
    });
  }

  async show(alert) {
    const same = alert && alert.stream === this.alert?.stream;
    this.alert = alert;
    this.form.hidden = !this.acts || !alert;
    this.whom.textContent = alert ? alert.stream : "";
    if (!same) this.list.replaceChildren();
    if (alert) await this.draw();
  }

  // Not while somebody writes an answer.
  async draw() {
    const { stream } = this.alert;
    const { measures } = await ask(place(stream));
    if (this.alert?.stream === stream && !this.list.contains(document.activeElement)) this.list.replaceChildren(...measures.map((one) => this.item(one)));
  }

  async order() {
    const { stream, alert_id } = this.alert;
    await send(place(stream), { kind: this.kind.value, reason: this.why.value, alert_id });
    this.why.value = "";
    await this.draw();
  }

  item(one) {
    const item = element("li", "", element("b", "", ...both(...WORDS[one.kind])), ` ${one.asked_by} ${day(one.asked_at)}：${one.reason}`);
    if (one.answer) item.append(element("div", "good", ...both("平台答复：", "answer: "), one.answer, one.remedy ? ` ${said("救济", "remedy")}：${one.remedy}` : "", ` ${one.answered_by}`));
    else if (this.acts) item.append(" ", action("记录答复", "Record the answer", () => this.answer(one, item)));
    return item;
  }

  answer(one, item) {
    const field = (zh, en, most) => {
      const made = element("input");
      made.maxLength = most;
      made.placeholder = said(zh, en);
      made.setAttribute("aria-label", said(zh, en));
      return made;
    };
    const [answer, remedy] = [field("平台怎样答复", "what the platform did", 4000), field("救济途径（可不填）", "remedy, if any", 4000)];
    answer.required = true;
    const save = element("button", "plain", ...both("记录", "Record"));
    const form = element("form", "line", answer, remedy, save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(`${place(one.stream)}/${one.id}/answer`, { answer: answer.value, remedy: remedy.value }).then((done) => item.replaceWith(this.item(done)), this.report);
    });
    item.lastElementChild.replaceWith(form);
    answer.focus();
  }
}

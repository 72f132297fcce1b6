// Legal holds: placed for a case with a reason, lifted with one. On the page of a case its own, for operators all.

import { ask, may, send } from "./service.js";
import { action, day, fill, keyed, row } from "./table.js";
import { both, element, moment, said, timecode } from "./words.js";

const byId = (id) => document.getElementById(id);

export class Holds {
  // `number`: of the case whose page it is; empty where the form asks for one. `changed` comes after each change.
  constructor({ number = "", changed, say, report }) {
    Object.assign(this, { number, changed, say, report });
    this.form = byId("holding");
    this.form.hidden = !may("exhibit");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.place().catch(report);
    });
  }

  streams(names) {
    byId("holdstream").append(...names.map((name) => new Option(name, name)));
  }

  async place() {
    const wanted = { case: this.number || byId("holdcase").value, stream: byId("holdstream").value, reason: byId("holdwhy").value };
    const [start, end] = ["holdfrom", "holdto"].map((id) => moment(byId(id).value));
    const made = await send("/api/v1/holds", { ...wanted, ...(start === null ? {} : { start }), ...(end === null ? {} : { end }) });
    this.form.reset();
    const gone = made.deleted_before ? said(`；此前已有 ${made.deleted_before} 次删除，无法挽回`, `; ${made.deleted_before} deletions before it cannot be undone`) : "";
    this.say(said("已保全", "held") + gone);
    await this.changed();
  }

  draw(holds) {
    const own = this.number ? holds.filter((one) => one.case === this.number) : holds;
    fill(byId("holds"), own.map((one) => keyed(one.hold, this.row(one))), 6, "没有生效的保全", "no hold stands");
  }

  row(one) {
    const range = one.start_ms === null && one.end_ms === null ? both("整场", "whole") : `${timecode((one.start_ms ?? 0) / 1000)} – ${one.end_ms === null ? said("结尾", "end") : timecode(one.end_ms / 1000)}`;
    const link = element("a", "", one.case);
    link.href = `/cases/${encodeURIComponent(one.case)}`;
    const tools = element("div", "");
    if (may("exhibit")) tools.append(action("解除", "Lift", () => this.lifting(one, tools)));
    return row([link], one.stream, range, one.reason, `${one.placed_by || "local"} ${day(one.placed_at)}`, [tools]);
  }

  // A hold is lifted with a reason; until it is given nothing happens.
  lifting(one, tools) {
    const why = element("input");
    why.required = true;
    why.maxLength = 400;
    why.placeholder = said("解除的事由", "why it is lifted");
    why.setAttribute("aria-label", why.placeholder);
    const stop = action("取消", "Cancel", () => this.changed().catch(this.report));
    const form = element("form", "line", why, element("button", "plain", ...both("解除", "Lift")), stop);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(`/api/v1/holds/${encodeURIComponent(one.hold)}/lift`, { reason: why.value })
        .then(() => this.say(said("已解除", "lifted"))).then(() => this.changed()).catch(this.report);
    });
    tools.replaceChildren(form);
    why.focus();
  }
}

export const listHolds = async () => (await ask("/api/v1/holds")).holds;

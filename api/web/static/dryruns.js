// Dry runs of a draft of a rule pack: what it would find anew, lose or change in what was said. No alert changes.

import { ask, send } from "./service.js";
import { action, fill, keyed, number, row } from "./table.js";
import { both, element, marked, said, timecode } from "./words.js";

const EVERY_MS = 1000;
const STATES = { waiting: ["排队", "waiting"], running: ["进行中", "running"], done: ["完成", "done"], failed: ["失败", "failed"], cancelled: ["已取消", "cancelled"] };
const CHANGES = { new: ["新增", "new"], gone: ["消失", "gone"], changed: ["改变", "changed"] };
const KINDS = { new: "severity-medium", gone: "", changed: "status-confirmed" };
const byId = (id) => document.getElementById(id);
const open = (run) => run.state === "waiting" || run.state === "running";
const address = (run) => `/api/v1/dry-runs/${run.number}`;

export class DryRuns {
  constructor(report) {
    this.report = report;
    this.shown = null;
    this.asked = false;
    byId("trying").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start().catch(report);
    });
  }

  // The drafts that can be tried; one that was chosen stays chosen.
  drafts(drafts) {
    const select = byId("trydraft");
    const chosen = select.value;
    const names = drafts.map((one) => [one.id, `${one.title || one.pack} ${one.version}${one.in_force ? said("（在用）", " (in force)") : ""}`]);
    if (JSON.stringify(names) !== JSON.stringify([...select.options].map((one) => [one.value, one.text]))) select.replaceChildren(...names.map(([id, name]) => new Option(name, id)));
    if (drafts.some((one) => one.id === chosen)) select.value = chosen;
    byId("trybutton").disabled = drafts.length === 0;
  }

  choose(id) {
    byId("trydraft").value = id;
    byId("trybutton").focus();
    byId("trying").scrollIntoView({ block: "center" });
  }

  async start() {
    const run = await send("/api/v1/dry-runs", { draft: byId("trydraft").value, stream: byId("trystream").value });
    this.shown = run.number;
    byId("tried").hidden = true;
    await this.watch();
  }

  // Looks after them for as long as one is under way; the one that was just asked for is shown when it is done.
  async watch() {
    if (this.asked) return;
    this.asked = true;
    try {
      for (;;) {
        const { runs } = await ask("/api/v1/dry-runs");
        this.draw(runs);
        const wanted = runs.find((one) => one.number === this.shown);
        if (wanted?.state === "done" && byId("tried").hidden) await this.show(wanted);
        if (!runs.some(open)) return;
        await new Promise((done) => setTimeout(done, EVERY_MS));
      }
    } finally {
      this.asked = false;
    }
  }

  draw(runs) {
    byId("runs").hidden = runs.length === 0;
    fill(byId("tries"), runs.map((one) => keyed(one.number, this.row(one))), 8);
  }

  row(one) {
    const counts = ["utterances", "new", "gone", "changed"].map((name) => [number(one.result?.[name] ?? "—")]);
    const state = element("div", "", element("span", `badge job-${one.state}`, ...both(...STATES[one.state])));
    if (one.error) state.append(element("div", "failed", said(one.error.zh, one.error.en)));
    const tools = [];
    if (open(one)) tools.push(action("取消", "Cancel", () => send(address(one), undefined, "DELETE").then(() => this.watch()).catch(this.report)));
    if (one.state === "done") tools.push(action("看变化", "Changes", () => this.show(one).catch(this.report)));
    return row(`${one.pack} ${one.version}`, one.stream || said("全部", "all"), [state], ...counts, tools);
  }

  async show(run) {
    const { result } = await ask(address(run));
    this.shown = run.number;
    byId("tried").hidden = false;
    const all = result.new + result.gone + result.changed;
    byId("triedhead").replaceChildren(...both(`${run.pack} ${run.version}：读了 ${result.utterances} 句，新增 ${result.new}，消失 ${result.gone}，改变 ${result.changed}`, `${run.pack} ${run.version}: ${result.utterances} utterances, ${result.new} new, ${result.gone} gone, ${result.changed} changed`));
    fill(byId("changes"), result.changes.map(change), 4, "没有变化", "nothing changes");
    byId("trymore").hidden = result.changes.length >= all;
    byId("trymore").textContent = said(`只列出前 ${result.changes.length} 处，共 ${all} 处`, `the first ${result.changes.length} of ${all}`);
  }
}

function change(one) {
  const link = element("a", "", `${one.stream} ${timecode(one.start)}`);
  const finding = one.after ?? one.before;
  link.href = `/replay/${encodeURIComponent(one.stream)}?${new URLSearchParams({ at: one.start, q: finding.matched })}`;
  const rule = (of) => (of ? `${of.rule_id} ${of.title}` : "—");
  const judged = one.before && one.after ? `${rule(one.before)} → ${rule(one.after)}` : rule(finding);
  return row([element("span", `badge ${KINDS[one.change] ?? ""}`, ...both(...(CHANGES[one.change] ?? [one.change, ""])))], [link], [element("span", "", ...marked(one.text, finding.matched))], judged);
}

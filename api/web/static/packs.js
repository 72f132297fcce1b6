// Rule packs: which are in force, drafts with how their own sentences came out, upload.

import { ask, send, sendFile } from "./service.js";
import { action, asked, day, fill, keyed, number, row } from "./table.js";
import { both, element, said } from "./words.js";

const ORIGINS = { bundled: said("随程序", "bundled"), settings: said("按设置", "by the settings"), activated: said("已启用", "activated") };
const byId = (id) => document.getElementById(id);
const badge = (kind, zh, en) => element("span", `badge ${kind}`, ...both(zh, en));

function inForce(one) {
  return row([element("b", "", one.title || one.pack), ` ${one.pack}`], one.version, [number(one.rules)], [badge("state-acknowledged", "在用", "in force")], "", ORIGINS[one.origin] ?? one.origin, "");
}

function outcome(report) {
  const failed = report?.failed ?? [];
  if (!failed.length) return element("span", "good", ...both(`${report?.sentences ?? 0} 句例句全部相符`, `all ${report?.sentences ?? 0} sentences as they should be`));
  const list = failed.map((one) => element("li", "", `${one.rule_id} · ${said(`第 ${one.line} 行`, `line ${one.line}`)} · `, ...(one.kind === "must_hit" ? both("应命中而未命中", "should be found, is not") : both("不应命中而命中", "is found, should not be")), `：${one.text}`));
  return element("details", "", element("summary", "failed", ...both(`${failed.length} 句例句不符`, `${failed.length} sentences came out wrong`)), element("ul", "plainlist", ...list));
}

export class Packs {
  // `drawn` is told the drafts whenever they are listed, `tries` the one that somebody wants to try.
  constructor({ say, report, drawn, tries }) {
    Object.assign(this, { say, report, drawn, tries });
    byId("packing").addEventListener("submit", (event) => {
      event.preventDefault();
      this.upload(byId("packfile").files[0], event.target).catch(this.report);
    });
  }

  draft(one) {
    const address = `/api/v1/packs/${one.id}`;
    const act = (path, method = "POST") => () => send(`${address}${path}`, undefined, method).then(() => { this.say(""); return this.draw(); }).catch(this.report);
    const tools = one.in_force ? [action("停用", "Take out of force", act("/deactivate"))] : [action("启用", "Put in force", act("/activate")), " ", action("删除", "Remove", asked(`删除草稿 ${one.pack} ${one.version}？`, `Remove the draft ${one.pack} ${one.version}?`, act("", "DELETE")))];
    tools.unshift(action("试运行", "Try", () => this.tries(one.id)), " ");
    const state = one.in_force ? badge("state-acknowledged", "在用", "in force") : badge("", "草稿", "draft");
    return keyed(one.id, row([element("b", "", one.title || one.pack), ` ${one.pack}`], one.version, [number(one.rules)], [state], [outcome(one.report)], `${day(one.uploaded_at)} ${one.uploaded_by ?? ""}`, tools));
  }

  async upload(file, form) {
    this.say(said("正在试跑例句…", "running its sentences…"));
    await sendFile("/api/v1/packs", file, "application/yaml");
    this.say("");
    form.reset();
    await this.draw();
  }

  async draw() {
    const found = await ask("/api/v1/packs");
    const drafts = found.drafts.map((one) => this.draft(one));
    const loaded = found.in_force.filter((one) => !found.drafts.some((draft) => draft.in_force && draft.sha256 === one.sha256));
    fill(byId("packs"), [...loaded.map(inForce), ...drafts], 7);
    this.drawn(found.drafts);
  }
}

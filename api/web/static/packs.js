// Rule packs: which are in force, drafts with how their own sentences came out, upload.

import { ask, send } from "./service.js";
import { action, day, fill, number, row } from "./table.js";
import { both, element, said } from "./words.js";

const ORIGINS = { bundled: said("随程序", "bundled"), settings: said("按设置", "by the settings"), activated: said("已启用", "activated") };
const byId = (id) => document.getElementById(id);
const badge = (kind, zh, en) => element("span", `badge ${kind}`, ...both(zh, en));

function inForce(one) {
  return row([element("b", "", one.title || one.pack), ` ${one.pack}`], one.version, [number(one.rules)], [badge("state-acknowledged", "在用", "in force")], "", ORIGINS[one.origin] ?? one.origin, "");
}

function outcome(report) {
  const failed = report?.failed?.length ?? 0;
  return failed ? element("span", "failed", ...both(`${failed} 句例句不符`, `${failed} sentences came out wrong`)) : element("span", "good", ...both("例句全部相符", "all sentences as they should be"));
}

export class Packs {
  constructor(report) {
    this.report = report;
    byId("packing").addEventListener("submit", (event) => {
      event.preventDefault();
      this.upload(byId("packfile").files[0], event.target).catch(report);
    });
  }

  draft(one) {
    const address = `/api/v1/packs/${one.id}`;
    const act = (path, method = "POST") => () => send(`${address}${path}`, undefined, method).then(() => this.draw(), this.report);
    const tools = one.in_force ? [action("停用", "Take out of force", act("/deactivate"))] : [action("启用", "Put in force", act("/activate")), " ", action("删除", "Remove", act("", "DELETE"))];
    const state = one.in_force ? badge("state-acknowledged", "在用", "in force") : badge("", "草稿", "draft");
    return row([element("b", "", one.title || one.pack), ` ${one.pack}`], one.version, [number(one.rules)], [state], [outcome(one.report)], `${day(one.uploaded_at)} ${one.uploaded_by ?? ""}`, tools);
  }

  async upload(file, form) {
    const headers = { "Content-Type": "application/yaml", "X-CSRF-Token": document.querySelector('meta[name="csrf"]').content };
    const response = await fetch("/api/v1/packs", { method: "POST", body: file, headers });
    const body = await response.json();
    if (!response.ok) throw new Error(said([body.zh, body.hint_zh].filter(Boolean).join(" "), body.en));
    form.reset();
    await this.draw();
  }

  async draw() {
    const found = await ask("/api/v1/packs");
    const drafts = found.drafts.map((one) => this.draft(one));
    const loaded = found.in_force.filter((one) => !found.drafts.some((draft) => draft.in_force && draft.sha256 === one.sha256));
    fill(byId("packs"), [...loaded.map(inForce), ...drafts], 7);
  }
}

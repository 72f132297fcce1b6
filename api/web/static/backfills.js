// Backfills asked for here: a recording of the archive folder or of an address, one after the other, with how far each is.

import { ask, send } from "./service.js";
import { action, asked, day, fill, keyed, row } from "./table.js";
import { both, element, said } from "./words.js";

const STATES = { waiting: ["排队", "waiting"], running: ["进行中", "running"], done: ["完成", "done"], failed: ["失败", "failed"], cancelled: ["已取消", "cancelled"] };
const SHOWN = 20;
const byId = (id) => document.getElementById(id);
const open = (job) => job.state === "waiting" || job.state === "running";

export class Backfills {
  constructor({ say, report }) {
    Object.assign(this, { say, report });
    byId("filling").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start(event.target).catch(report);
    });
    byId("fillsource").addEventListener("input", () => this.suggest().catch(() => {}));
  }

  async start(form) {
    const source = byId("fillsource").value.trim();
    await send("/api/v1/backfills", { [source.includes("://") ? "url" : "path"]: source, shop: byId("fillshop").value });
    form.reset();
    this.say("");
    await this.draw();
  }

  // What the folder of the archive holds that is being typed; without an archive nothing.
  async suggest() {
    const source = byId("fillsource").value;
    const folder = source.includes("/") ? source.slice(0, source.lastIndexOf("/")) : "";
    if (source.includes("://") || folder === this.folder) return;
    this.folder = folder;
    const { entries } = await ask("/api/v1/archive", { folder });
    byId("archive").replaceChildren(...entries.map((one) => new Option("", one.folder ? `${one.path}/` : one.path)));
  }

  async draw() {
    const { backfills } = await ask("/api/v1/backfills", { limit: SHOWN });
    byId("fills").hidden = backfills.length === 0;
    fill(byId("filljobs"), backfills.map((job) => keyed(job.number, this.row(job))), 6);
  }

  row(job) {
    const { files, done, skipped, failed, seconds, heard } = job.progress;
    const bar = element("progress");
    bar.max = Math.max(1, seconds);
    bar.value = job.state === "done" ? bar.max : heard;
    bar.setAttribute("aria-label", `${job.source} ${said("进度", "progress")}`);
    const told = said(`${done + skipped} / ${files} 个文件，${Math.round(heard)} / ${Math.round(seconds)} 秒`, `${done + skipped} of ${files} files, ${Math.round(heard)} of ${Math.round(seconds)} s`);
    const wrong = failed.map((one) => element("div", "failed", [one.file, said(one.zh, one.en)].filter(Boolean).join("：")));
    const stop = action("取消", "Cancel", asked("取消这个任务？已录入的保留。", "Cancel it? What is recorded stays.", () => send(`/api/v1/backfills/${job.number}/cancel`).then(() => this.draw()).catch(this.report)));
    return row(job.source, [element("span", `badge job-${job.state}`, ...both(...STATES[job.state]))], [bar, ` ${told}`], `${job.by} ${day(job.asked_at)}`, [element("div", "", ...wrong)], open(job) ? [stop] : "");
  }
}

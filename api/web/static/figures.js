// Figures of the operators' page: tiles, charts of days, rules with what people dismissed of them, backfill.

import { bars, rate } from "./drawing.js";
import { date, day, fill, number, row, size } from "./table.js";
import { both, element, said } from "./words.js";

const byId = (id) => document.getElementById(id);
const sum = (values) => values.reduce((all, value) => all + value, 0);
const SOON_DAYS = 7;
const LATE_S = 30;
const SLOW_MS = 3000;
const JOBS = { running: ["进行中", "running"], done: ["完成", "done"], failed: ["失败", "failed"], queued: ["排队", "queued"], stopped: ["已停", "stopped"] };

function tiles(found, tile) {
  const { disk, queue, latency, gaps } = found;
  const soon = disk.full_by && new Date(disk.full_by) - Date.now() < SOON_DAYS * 86400000;
  tile("tiledisk", disk.full_by ? date(disk.full_by) : "—", said(`可用 ${size(disk.free)}，共 ${size(disk.total)}`, `${size(disk.free)} free of ${size(disk.total)}`), Boolean(soon));
  tile("tilelag", `${Math.round(queue.untranscribed)} s`, said(`解码排队 ${queue.windows} 窗，待编入 ${queue.unembedded} 句`, `${queue.windows} windows queued, ${queue.unembedded} to index`), queue.untranscribed > LATE_S);
  tile("tilelatency", latency.p95 === null ? "—" : `${(latency.p95 / 1000).toFixed(1)} s`, latency.p95 === null ? said("还没有告警", "no alerts yet") : said(`p95；中位 ${(latency.p50 / 1000).toFixed(1)} s，近 ${latency.alerts} 条`, `p95; median ${(latency.p50 / 1000).toFixed(1)} s, last ${latency.alerts}`), latency.p95 > SLOW_MS);
  tile("tilegaps", String(gaps.count.at(-1)), said(`共 ${gaps.seconds.at(-1).toFixed(0)} 秒`, `${gaps.seconds.at(-1).toFixed(0)} s in all`), gaps.count.at(-1) > 0);
  tile("tilepush", String(queue.webhooks), queue.webhooks ? said("条等待送达", "wait for delivery") : said("全部送达", "all delivered"));
}

function rule(one, days) {
  const [alerts, dismissed] = [sum(one.alerts), sum(one.dismissed)];
  const share = alerts ? dismissed / alerts : 0;
  const spark = bars(one.alerts, {
    gone: one.dismissed, kind: "spark", height: 26, about: `${one.title || one.rule_id}：${alerts} / ${dismissed}`,
    label: (place) => `${days[place]}：${said(`${one.alerts[place]} 条告警，${one.dismissed[place]} 条驳回`, `${one.alerts[place]} alerts, ${one.dismissed[place]} dismissed`)}`,
  });
  const name = element("div", "", element("b", "", one.title || one.rule_id), " ", element("span", "note", one.title ? one.rule_id : ""));
  return row([name], [spark], [number(alerts)], [number(dismissed)], [element("span", "rate", rate(share)), `${Math.round(share * 100)} %`]);
}

function job(one) {
  const bar = element("progress");
  bar.max = Math.max(1, one.recorded);
  bar.value = one.state === "done" ? bar.max : one.transcribed;
  bar.setAttribute("aria-label", `${one.path} ${said("进度", "progress")}`);
  const told = one.state === "done" ? `${Math.round(one.recorded)} s` : `${Math.round(one.transcribed)} / ${Math.round(one.recorded)} s`;
  const state = element("span", `badge job-${one.state}`, ...both(...(JOBS[one.state] ?? [one.state, ""])));
  return row(one.path, one.stream, [state], [bar, ` ${told}`], day(one.updated), one.error);
}

export function drawFigures(found, tile) {
  const { days } = found;
  tiles(found, tile);
  fill(byId("rules"), found.rules.map((one) => rule(one, days)), 5, "近 28 天没有告警", "no alerts in 28 days");
  fill(byId("jobs"), found.jobs.map(job), 6, "没有补录任务；livewitness backfill 文件或文件夹", "none; livewitness backfill FILES");
  const { recorded } = found.disk;
  byId("recorded").replaceChildren(bars(recorded, { about: said("每日录制量", "recorded by day"), label: (place) => `${days[place]}：${size(recorded[place])}` }));
  byId("gaps").replaceChildren(bars(found.gaps.seconds, { about: said("每日缺口", "gaps by day"), label: (place) => `${days[place]}：${found.gaps.count[place]} ×，${found.gaps.seconds[place].toFixed(0)} s` }));
  for (const id of ["firstday", "firstgap"]) byId(id).textContent = days[0];
  byId("mostday").textContent = `${said("最多", "most")} ${size(Math.max(...recorded))}`;
  byId("mostgap").textContent = `${said("最多", "most")} ${Math.max(...found.gaps.seconds).toFixed(0)} s`;
}

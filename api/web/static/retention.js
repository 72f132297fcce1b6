// What is due when, what is held and why, what was deleted.

import { ask } from "./service.js";
import { date, day, fill, number, reporter, row, size } from "./table.js";
import { both, element, timecode } from "./words.js";

const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));
const CLASSES = { keep: ["永久", "for good"], live: ["自直播结束", "from the end of the live"], trade: ["自交易完成", "from the last trade"], later: ["两者较晚", "whichever is later"] };
const STANDING = {
  due: ["已到期", "due"], no_class: ["未设类别，永久保存", "no class: kept for good"], not_ended: ["直播未结束", "not ended"], no_trade: ["未登记交易", "no trade noted"],
  open_trade: ["有交易未完成", "a trade is open"], young: ["未满年限", "not yet due"], held: ["全部保全中", "held"],
};
const words = (table, value) => both(...(table[value] ?? [value, ""]));

function stream(one) {
  const due = one.state === "due" ? element("span", "badge severity-medium", ...words(STANDING, one.state)) : element("span", "", ...words(STANDING, one.state));
  return row(one.stream, words(CLASSES, one.class), one.due ? date(one.due) : "—", [due], one.held ? both("有", "held") : "");
}

function hold(one) {
  const range = one.start_ms === null && one.end_ms === null ? both("整场", "whole") : `${timecode((one.start_ms ?? 0) / 1000)}–${one.end_ms === null ? "" : timecode(one.end_ms / 1000)}`;
  const link = element("a", "", one.case);
  link.href = `/cases/${encodeURIComponent(one.case)}`;
  return row([link], one.stream, range, one.reason, `${one.placed_by} ${day(one.placed_at)}`);
}

function run(one) {
  const of = (name) => one.streams.reduce((all, each) => all + (each[name] ?? 0), 0);
  const names = one.streams.map((each) => each.stream).join("、");
  const state = one.finished ? [] : [" ", element("span", "badge severity-high", ...both("未完成", "unfinished"))];
  return row(day(one.at), one.by, [names, ...state], [number(size(one.bytes))], [number(`${of("utterances")} / ${of("alerts")} / ${of("clips")}`)], [element("span", "hash", one.plan.slice(0, 12))]);
}

async function draw() {
  const found = await ask("/api/v1/retention/report");
  const due = found.streams.filter((one) => one.state === "due").length;
  byId("policy").replaceChildren(...both(
    `保存 ${found.years} 年（不少于三年），未设类别的直播：${(CLASSES[found.default] ?? [found.default])[0]}。现有 ${found.streams.length} 场，已到期 ${due} 场，保全 ${found.holds.length} 项。`,
    `Kept for ${found.years} years, never less than three. ${found.streams.length} streams, ${due} due, ${found.holds.length} holds.`,
  ));
  fill(byId("streams"), found.streams.map(stream), 5);
  fill(byId("holds"), found.holds.map(hold), 5, "没有生效的保全", "no hold stands");
  fill(byId("runs"), found.runs.map(run), 6, "还没有删除过", "nothing was deleted yet");
  const { last_run: last } = found;
  byId("lastrun").replaceChildren(...(last ? both(`上次执行：${day(last.at)} ${last.by}，删除 ${last.streams} 场`, `last run: ${day(last.at)} ${last.by}, ${last.streams} deleted`) : both("从未执行", "never run")));
}
draw().catch(report);

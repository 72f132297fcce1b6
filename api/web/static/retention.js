// What is due when, what is held and why, what was deleted.

import { Holds } from "./holds.js";
import { ask } from "./service.js";
import { date, day, fill, number, reporter, row, size } from "./table.js";
import { both, element } from "./words.js";

const byId = (id) => document.getElementById(id);
const { say, report } = reporter(byId("status"));
const holds = new Holds({ changed: draw, say, report });
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
  holds.draw(found.holds);
  fill(byId("runs"), found.runs.map(run), 6, "还没有删除过", "nothing was deleted yet");
  const { last_run: last } = found;
  byId("lastrun").replaceChildren(...(last ? both(`上次执行：${day(last.at)} ${last.by}，删除 ${last.streams} 场`, `last run: ${day(last.at)} ${last.by}, ${last.streams} deleted`) : both("从未执行", "never run")));
  return found;
}
draw().then((found) => holds.streams(found.streams.map((one) => one.stream)), report);

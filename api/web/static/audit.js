// Audit search: who did what, to what, when; as a table and as CSV.

import { ACTIONS, actionWords } from "./actions.js";
import { ask } from "./service.js";
import { day, fill, number, reporter, row } from "./table.js";
import { both, element, said } from "./words.js";

const PAGE = 100;
const FIELDS = ["by", "action", "words"];
const TIMES = ["from", "to"];
const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));
let next = null;
let shown = [];

byId("action").append(new Option("", ""), ...Object.entries(ACTIONS).map(([kind, [zh, en]]) => new Option(said(zh, en), kind)));

function asked() {
  const given = FIELDS.map((name) => [name, byId(name).value.trim()]);
  const times = TIMES.map((name) => [name, byId(name).value && new Date(byId(name).value).toISOString()]);
  return Object.fromEntries([...given, ...times].filter(([, value]) => value));
}

const detail = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));

function entry(one) {
  const parts = Object.entries(one.detail).filter(([, value]) => value !== "" && value !== null).map(([name, value]) => `${name}=${detail(value)}`);
  const action = element("span", "", ...actionWords(one.kind));
  action.title = one.kind;
  return row([number(one.index)], day(one.logged), one.by || "local", `${one.channel} ${one.from}`, [action], [element("span", "where", parts.join("  "))]);
}

async function list(more) {
  const page = await ask("/api/v1/audit", { ...asked(), before: more ? next : null, limit: PAGE });
  shown = more ? [...shown, ...page.entries] : page.entries;
  next = page.next;
  fill(byId("entries"), shown.map(entry), 6, "没有符合的记录", "no entry fits");
  byId("more").hidden = next === null;
  const people = [...new Set(shown.map((one) => one.by).filter(Boolean))];
  byId("people").replaceChildren(...people.map((name) => new Option("", name)));
  byId("csv").href = `/api/v1/audit?${new URLSearchParams({ ...asked(), format: "csv" })}`;
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  list(false).catch(report);
});
byId("more").addEventListener("click", () => list(true).catch(report));
byId("verify").addEventListener("click", async () => {
  try {
    const verdict = await ask("/api/v1/audit/verification");
    const words = verdict.holds ? both(`核验通过：${verdict.entries} 条，逐条相接，与签名检查点相符`, `holds: ${verdict.entries} entries`) : both("核验未通过", "does not hold");
    byId("verdict").className = verdict.holds ? "good" : "failed";
    byId("verdict").replaceChildren(...words, ...verdict.failures.map((one) => element("div", "", one.zh, " ", one.en)));
  } catch (error) {
    report(error);
  }
});
list(false).catch(report);

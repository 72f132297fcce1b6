// The feed of alerts: each in its place, changed where it stands.

import { both, clock, element, marked, timecode } from "./words.js";

const STATUS = { suspected: ["疑似", "suspected"], confirmed: ["确认", "confirmed"], withdrawn: ["撤回", "withdrawn"] };
const STATE = { open: ["待处理", "open"], acknowledged: ["已受理", "acknowledged"], dismissed: ["已驳回", "dismissed"], escalated: ["已上报", "escalated"] };
const SEVERITY = { high: ["高", "high"], medium: ["中", "medium"], low: ["低", "low"] };
const REASONS = {
  misheard: ["听错了", "misheard"], lawful_in_context: ["上下文合法", "lawful in context"], heard_otherwise: ["两次听得不同", "heard otherwise"],
};
const METHODS = {
  exact: ["原字", "as written"], letters: ["字面变体", "disguised"], sound: ["读音", "by sound"], sound_edit: ["读音相近", "sounds alike"],
  pattern: ["句式", "by pattern"], meaning: ["含义", "by meaning"],
};

const badge = (kind, value, words) => element("span", `badge ${kind}-${value}`, ...both(...(words[value] ?? [value, value])));
export const stateOf = (alert) => alert.review?.state ?? "open";
export const isOpen = (alert) => stateOf(alert) === "open" && alert.status !== "withdrawn";

export function alertItem(alert) {
  const item = element("li", `alert severity-${alert.severity} is-${alert.status} ${isOpen(alert) ? "open" : "settled"}`);
  item.id = `alert-${alert.alert_id}`;
  item.tabIndex = -1;
  item.alert = alert;
  const where = element("div", "where", badge("severity", alert.severity, SEVERITY), badge("status", alert.status, STATUS));
  if (stateOf(alert) !== "open") where.append(badge("state", stateOf(alert), STATE));
  where.append(element("b", "", alert.stream), element("span", "", timecode(alert.start)), element("time", "", clock(alert.wall_time)));
  if (alert.count > 1) where.append(element("span", "count", `×${alert.count}`));
  if (alert.review?.assignee) where.append(element("span", "who", `→ ${alert.review.assignee}`));
  item.append(where, element("div", "words", ...marked(alert.text, alert.matched, alert.text_start)), element("div", "title", alert.title));
  if (alert.product) item.append(element("div", "shelf", ...both("在售：", "on the shelf: "), alert.product));
  return item;
}

function row(zh, en, ...content) {
  const name = element("dt");
  name.append(...both(zh, en));
  return [name, element("dd", "", ...content)];
}

export function about(alert) {
  const list = element("dl", "about");
  list.append(...row("原话", "words", ...marked(alert.text, alert.matched, alert.text_start)));
  if (alert.canonical && alert.canonical !== alert.matched) list.append(...row("听作", "meant", alert.canonical));
  list.append(...row("依据", "heard", ...both(...(METHODS[alert.method] ?? [alert.method, ""])), ` ${Math.round(alert.score * 100)} %`));
  list.append(...row("规则", "rule", `${alert.rule_id} ${alert.title}`));
  list.append(...row("法规", "law", alert.legal_basis.map((basis) => `《${basis.law}》${basis.article}`).join("；")));
  if (alert.advice) list.append(...row("建议", "advice", alert.advice));
  if (alert.correction) list.append(...row("主播更正", "corrected", alert.correction.text));
  if (alert.reason) list.append(...row("原因", "reason", ...both(...(REASONS[alert.reason] ?? [alert.reason, ""]))));
  if (alert.against) list.append(...row("另一种听法或下文", "heard otherwise, or said next", String(alert.against.text ?? alert.against)));
  if (alert.review?.assignee) list.append(...row("在处理", "handled by", alert.review.assignee));
  if (alert.review) list.append(...row("处理", "review", `${alert.review.reviewer}：`, ...both(...STATE[alert.review.state]), ` ${alert.review.note}`));
  return list;
}

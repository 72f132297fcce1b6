// Cases: open one, find one.

import { ask, send } from "./service.js";
import { day, reporter, row } from "./table.js";
import { both, element } from "./words.js";

const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));
let next = "";

function line(one) {
  const link = element("a", "", one.number);
  link.href = `/cases/${encodeURIComponent(one.number)}`;
  const state = one.state === "open" ? [element("span", "badge status-confirmed", ...both("在办", "open"))] : [element("span", "badge", ...both("已结", "closed"))];
  return row([link], one.title, one.shop, state, `${day(one.created_at)} ${one.created_by}`);
}

async function list() {
  const page = await ask("/api/v1/cases", { after: next, limit: 50 });
  byId("cases").append(...page.cases.map(line));
  next = page.next;
  byId("more").hidden = next === null;
}

byId("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const made = await send("/api/v1/cases", { number: byId("number").value, title: byId("title").value, shop: byId("shop").value });
    location.assign(`/cases/${encodeURIComponent(made.number)}`);
  } catch (error) {
    report(error);
  }
});
byId("more").addEventListener("click", () => list().catch(report));
list().catch(report);

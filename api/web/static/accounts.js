// Accounts of people, keys for machines. Links and secrets are shown once.

import { ask, send } from "./service.js";
import { action, day, reporter, row } from "./table.js";
import { both, said } from "./words.js";

const ROLES = { viewer: "查看", moderator: "审核", adjudicator: "裁决", auditor: "审计", operator: "运维", admin: "管理" };
const byId = (id) => document.getElementById(id);
const { report } = reporter(byId("status"));

for (const select of [byId("role"), byId("keyrole")]) select.append(...Object.entries(ROLES).map(([name, zh]) => new Option(said(zh, name), name)));

function once(text) {
  byId("secret").hidden = false;
  byId("secret").textContent = `${said("只显示这一次", "shown this once")}：${text}`;
}
const full = (link) => new URL(link, location.origin).href;

function person(one) {
  const change = (active) => () => send(`/api/v1/accounts/${encodeURIComponent(one.name)}`, { role: one.role, shop: one.shop, active }, "PUT").then(draw, report);
  const link = () => send(`/api/v1/accounts/${encodeURIComponent(one.name)}/link`, {}).then((made) => once(full(made.link)), report);
  const state = one.active ? (one.has_password ? both("可用", "in use") : both("待设口令", "no password yet")) : both("停用", "disabled");
  const turn = one.active ? action("停用", "Disable", change(false)) : action("启用", "Enable", change(true));
  return row(one.name, said(ROLES[one.role], one.role), one.shop, state, [turn, " ", action("新链接", "New link", link)]);
}

function key(one) {
  const ended = one.revoked_at ? both("已撤销", "revoked") : [day(one.expires_at)];
  const revoke = action("撤销", "Revoke", () => send(`/api/v1/keys/${encodeURIComponent(one.name)}`, undefined, "DELETE").then(draw, report));
  return row(one.name, one.role, ended, one.revoked_at ? "" : [revoke]);
}

async function draw() {
  const [people, keys] = await Promise.all([ask("/api/v1/accounts"), ask("/api/v1/keys")]);
  byId("accounts").replaceChildren(...people.accounts.map(person));
  byId("keys").replaceChildren(...keys.keys.map(key));
}

byId("adding").addEventListener("submit", (event) => {
  event.preventDefault();
  send("/api/v1/accounts", { name: byId("name").value, role: byId("role").value, shop: byId("shop").value })
    .then((made) => { once(full(made.link)); event.target.reset(); }).then(draw, report);
});
byId("keying").addEventListener("submit", (event) => {
  event.preventDefault();
  send("/api/v1/keys", { name: byId("keyname").value, role: byId("keyrole").value, days: Number(byId("days").value) })
    .then((made) => { once(made.secret); event.target.reset(); }).then(draw, report);
});
draw().catch(report);

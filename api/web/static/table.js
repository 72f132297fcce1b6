// Rows of tables, and small buttons in them.

import { both, element, said } from "./words.js";

const FOCUSABLE = "button, a, input, select, textarea";

export function row(...cells) {
  return element("tr", "", ...cells.map((cell) => element("td", "", ...(Array.isArray(cell) ? cell : [cell ?? ""]))));
}

export function number(value) {
  const cell = element("span", "", String(value));
  cell.dataset.number = "";
  return cell;
}

// Puts new items into a list, where they differ from what is there; whoever stands on one of their buttons stays there.
export function renew(list, items) {
  const old = [...list.children];
  if (old.length === items.length && old.every((one, place) => one.isEqualNode(items[place]))) return;
  const held = old.findIndex((one) => one.contains(document.activeElement));
  const among = held < 0 ? -1 : [...old[held].querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  list.replaceChildren(...items);
  if (among < 0) return;
  const { key } = old[held].dataset;
  const item = key === undefined ? items[held] : items.find((one) => one.dataset.key === key);
  [...(item?.querySelectorAll(FOCUSABLE) ?? [])][among]?.focus({ preventScroll: true });
}

// Puts rows into a table's body; cells of numbers stand right; without rows it says so.
export function fill(body, rows, columns, zh = "没有", en = "none") {
  if (!rows.length) {
    const cell = element("td", "empty", ...both(zh, en));
    cell.colSpan = columns;
    renew(body, [element("tr", "", cell)]);
    return;
  }
  for (const one of rows) for (const inner of one.querySelectorAll("[data-number]")) inner.closest("td").classList.add("number");
  renew(body, rows);
}

// A row that is known by `key` where two of them may read the same.
export function keyed(key, made) {
  made.dataset.key = key;
  return made;
}

export function action(zh, en, act) {
  const button = element("button", "plain", ...both(zh, en));
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

// What cannot be taken back is asked about first.
export const asked = (zh, en, act) => () => window.confirm(said(zh, en)) && act();

export function reporter(status) {
  const say = (text, failed = false) => {
    status.textContent = text;
    status.classList.toggle("failed", failed);
  };
  return { say, report: (error) => say(error.message, true) };
}

const pad = (value) => String(value).padStart(2, "0");

export function day(moment) {
  const at = new Date(moment);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

export const date = (moment) => day(moment).slice(0, 10);

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  return `${(bytes / 1000 ** step).toFixed(step > 1 ? 1 : 0)} ${units[step]}`;
}

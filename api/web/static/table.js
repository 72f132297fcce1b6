// Rows of tables, and small buttons in them.

import { both, element } from "./words.js";

export function row(...cells) {
  return element("tr", "", ...cells.map((cell) => element("td", "", ...(Array.isArray(cell) ? cell : [cell ?? ""]))));
}

export function action(zh, en, act) {
  const button = element("button", "plain", ...both(zh, en));
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

export function reporter(status) {
  const say = (text, failed = false) => {
    status.textContent = text;
    status.classList.toggle("failed", failed);
  };
  return { say, report: (error) => say(error.message, true) };
}

export const day = (moment) => new Date(moment).toLocaleString("zh-CN", { hour12: false });

// The rooms of the wall: state, lag, what is on the shelf, open alerts.

import { both, element, timecode } from "./words.js";

const STATES = {
  recording: ["录制中", "recording"], running: ["录制中", "recording"], starting: ["启动中", "starting"],
  ended: ["已结束", "ended"], stopped: ["已停止", "stopped"], failed: ["出错", "failed"],
  waiting: ["等待重连", "reconnecting"], stopping: ["正在结束", "ending"],
};
const BEHIND_S = 15;

function card(room) {
  const words = STATES[room.state] ?? [room.state, ""];
  const head = element("div", "where", element("b", "", room.title || room.name), element("span", `badge room-${room.state}`, ...both(...words)));
  const lines = [head];
  const facts = element("div", "where", element("span", "", timecode(room.recorded_to)));
  if (room.untranscribed > BEHIND_S) facts.append(element("span", "late", ...both(`落后 ${Math.round(room.untranscribed)} 秒`, `${Math.round(room.untranscribed)} s behind`)));
  if (room.product) facts.append(element("span", "shelf", room.product));
  lines.push(facts);
  const button = element("button", "room", ...lines);
  if (room.open_alerts) button.append(element("span", `open-count ${room.open_high ? "grave" : ""}`, String(room.open_alerts)));
  button.type = "button";
  button.dataset.stream = room.name;
  return element("li", "", button);
}

export function drawRooms(list, rooms, chosen) {
  list.replaceChildren(...rooms.map(card));
  for (const button of list.querySelectorAll(".room")) button.setAttribute("aria-pressed", String(button.dataset.stream === chosen));
}

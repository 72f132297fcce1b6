// The rooms of the wall: state, lag, what is on the shelf, open alerts.

import { renew } from "./table.js";
import { both, element, timecode } from "./words.js";

const STATES = {
  recording: ["录制中", "recording"], running: ["录制中", "recording"], starting: ["启动中", "starting"],
  ended: ["已结束", "ended"], stopped: ["已停止", "stopped"], failed: ["出错", "failed"],
  waiting: ["等待重连", "reconnecting"], reconnecting: ["正在重连", "reconnecting"], stopping: ["正在结束", "ending"],
};
const BEHIND_S = 15;

// What needs somebody comes first: grave alerts of what is on air, then what fails, then open alerts; what has ended
// waits; the rest by name.
function urgency(room) {
  if (["ended", "stopped"].includes(room.state)) return room.open_alerts ? 3 : 4;
  if (room.open_high) return 0;
  if (["failed", "reconnecting", "waiting"].includes(room.state)) return 1;
  return room.open_alerts ? 2 : 4;
}
const weight = (room) => [urgency(room), -room.open_high, -room.open_alerts];

function before(one, other) {
  const [a, b] = [weight(one), weight(other)];
  const at = a.findIndex((value, place) => value !== b[place]);
  return at < 0 ? one.name.localeCompare(other.name, "zh") : a[at] - b[at];
}

function card(room, chosen) {
  const words = STATES[room.state] ?? [room.state, ""];
  const lines = [element("b", "", room.title || room.name)];
  const facts = element("div", "where", element("span", `badge room-${room.state}`, ...both(...words)), element("span", "", timecode(room.recorded_to)));
  if (room.untranscribed > BEHIND_S) facts.append(element("span", "late", ...both(`落后 ${Math.round(room.untranscribed)} 秒`, `${Math.round(room.untranscribed)} s behind`)));
  if (room.product) facts.append(element("span", "shelf", room.product));
  if (room.open_alerts) lines.push(element("span", `open-count ${room.open_high ? "grave" : ""}`, String(room.open_alerts)));
  lines.push(facts);
  const button = element("button", `room ${room.open_high ? "grave" : ""}`, ...lines);
  button.title = room.title ? `${room.title} ${room.name}` : room.name;
  button.type = "button";
  button.dataset.stream = room.name;
  button.setAttribute("aria-pressed", String(room.name === chosen));
  const item = element("li", "", button);
  item.dataset.key = room.name;
  return item;
}

export function drawRooms(list, rooms, chosen) {
  renew(list, [...rooms].sort(before).map((room) => card(room, chosen)));
}

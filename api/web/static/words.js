// Words in Chinese and English side by side, elements, and times. Text only ever becomes text nodes.

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function both(zh, en) {
  const parts = [element("span", "", zh), " ", element("span", "", en)];
  parts[0].lang = "zh";
  parts[2].lang = "en";
  return parts;
}

// The same as one string: in the language that was chosen, or in both.
export function said(zh, en) {
  return { zh, en }[document.documentElement.dataset.speak] ?? `${zh} ${en}`;
}

export function timecode(moment) {
  // A file may begin a frame or two before the recording does.
  const seconds = Math.max(0, moment);
  const whole = Math.floor(seconds);
  const pad = (number) => String(number).padStart(2, "0");
  const tenth = Math.floor((seconds - whole) * 10);
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}.${tenth}`;
}

// To a hundredth: near enough to tell one picture from the next.
export function fine(moment) {
  return timecode(moment) + String(Math.floor((Math.max(0, moment) + 1e-6) * 100) % 10);
}

export const clock = (moment) => new Date(moment).toLocaleTimeString("zh-CN", { hour12: false });

export function marked(text, matched, start = -1) {
  const at = start >= 0 && text.startsWith(matched, start) ? start : matched ? text.indexOf(matched) : -1;
  if (at < 0) return [text];
  return [text.slice(0, at), element("mark", "", matched), text.slice(at + matched.length)];
}

// Where words stand in a text: each once, in order, none over another.
export function placesOf(text, all) {
  const found = all.map((one) => [text.indexOf(one), one.length]).filter(([at, length]) => at >= 0 && length).map(([at, length]) => [at, at + length]);
  return found.sort((a, b) => a[0] - b[0]).filter(([at], place, sorted) => sorted.slice(0, place).every(([, end]) => end <= at));
}

export function markedAll(text, all) {
  const parts = [];
  let at = 0;
  for (const [from, to] of placesOf(text, all)) {
    parts.push(text.slice(at, from), element("mark", "", text.slice(from, to)));
    at = to;
  }
  return [...parts, text.slice(at)];
}

// A moment of a stream as people write it: seconds, or 1:23 or 1:02:03.5; null for none. What is no moment stays as it
// is written, for the service to refuse in its own words.
export function moment(text) {
  const parts = text.trim().replaceAll("：", ":").split(":");
  if (!parts[0]) return null;
  const seconds = parts.reduce((all, part) => all * 60 + Number(part), 0);
  return Number.isNaN(seconds) ? text : seconds;
}

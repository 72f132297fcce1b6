// Draws places in a recording: search hits and findings. Text only ever becomes text nodes.

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function timecode(moment) {
  // A file may begin a frame or two before the recording does.
  const seconds = Math.max(0, moment);
  const whole = Math.floor(seconds);
  const pad = (number) => String(number).padStart(2, "0");
  const tenth = Math.floor((seconds - whole) * 10);
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}.${tenth}`;
}

function marked(text, matched) {
  const at = matched ? text.indexOf(matched) : -1;
  if (at < 0) return [text];
  return [text.slice(0, at), element("mark", "", matched), text.slice(at + matched.length)];
}

const WAYS = { exact: "原话 exact", letters: "字面 letters", sound: "读音 sound", concept: "概念 concept", meaning: "含义 meaning" };

export function hitPlace(hit) {
  const why = hit.why.map((reason) => WAYS[reason.way] ?? reason.way).join("、");
  return placeItem(hit, [element("span", "", why), element("span", "", hit.score.toFixed(2))], []);
}

export function findingPlace(finding) {
  const laws = finding.legal_basis.map((basis) => `《${basis.law}》${basis.article}`).join("；");
  return placeItem(finding, [element("span", "", finding.title)], [element("div", "law", laws)]);
}

function placeItem(place, notes, rest) {
  const where = element("div", "where", element("b", "", timecode(place.start)), element("span", "", place.stream), ...notes);
  where.append(element("span", "", new Date(place.wall_time).toLocaleString()));
  const button = element("button", "place", where, element("div", "words", ...marked(place.text, place.matched)), ...rest);
  button.type = "button";
  button.place = place;
  return element("li", "", button);
}

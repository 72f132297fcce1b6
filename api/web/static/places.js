// Draws places in a recording: search hits and findings.

import { element, marked, timecode } from "./words.js";

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

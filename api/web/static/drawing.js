// Shapes of drawings, and small charts. Every page holds an empty drawing, so that its namespace need not be written here.

const SVG = document.getElementById("drawing").namespaceURI;

export function shape(name, attributes = {}, title = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (title) {
    const words = document.createElementNS(SVG, "title");
    words.textContent = title;
    made.append(words);
  }
  return made;
}

// Bars side by side, a part of each set apart; `label` says what a bar is, for pointers and for screen readers.
export function bars(values, { gone = null, kind = "chart", height = 60, label = () => "", about = "" } = {}) {
  const most = Math.max(1e-9, ...values);
  const drawing = shape("svg", { class: kind, viewBox: `0 0 ${values.length * 10} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": about });
  values.forEach((value, place) => {
    const tall = (value / most) * (height - 1);
    const group = shape("g", {}, label(place));
    if (value > 0) group.append(shape("rect", { x: place * 10 + 1, y: height - tall, width: 8, height: tall, class: "bar-all" }));
    const part = gone ? (gone[place] / most) * (height - 1) : 0;
    if (part > 0) group.append(shape("rect", { x: place * 10 + 1, y: height - part, width: 8, height: part, class: "bar-gone" }));
    drawing.append(group);
  });
  drawing.append(shape("line", { x1: 0, x2: values.length * 10, y1: height - 0.5, y2: height - 0.5, class: "axis" }));
  return drawing;
}

export function rate(share) {
  const drawing = shape("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(shape("rect", { x: 0, y: 0, width: Math.round(share * 100), height: 8 }));
  return drawing;
}

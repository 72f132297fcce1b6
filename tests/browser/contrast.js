// Every piece of text that is shown: its colour and what is behind it, composed, and their contrast by WCAG 2.1.
() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g).map(Number);
    return text.startsWith('color(') ? [found[0] * 255, found[1] * 255, found[2] * 255, found[3] ?? 1] : [found[0], found[1], found[2], found[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const found = [];
  const measure = (element, text, style) => {
    const background = ground(element);
    const colour = over(parse(style.color), background);
    found.push({ text: text.trim().slice(0, 40), at: `${element.tagName.toLowerCase()}.${element.className}`, size: parseFloat(style.fontSize), weight: Number(style.fontWeight),
      colour: colour.slice(0, 3).map(Math.round).join(','), ground: background.slice(0, 3).map(Math.round).join(','), ratio: contrast(colour, background) });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('svg, script, option, datalist, video') || !element.checkVisibility()) continue;
    measure(element, walker.currentNode.data, getComputedStyle(element));
  }
  for (const field of document.querySelectorAll('input, select, button')) {
    if (!field.checkVisibility()) continue;
    if (field.value && field.type !== 'checkbox') measure(field, field.value, getComputedStyle(field));
    if (field.placeholder) measure(field, field.placeholder, getComputedStyle(field, '::placeholder'));
  }
  return found;
}

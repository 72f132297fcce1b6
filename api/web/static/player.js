// Plays a place: a copied clip around it, standing at the word; or cuts it to the millisecond.

import { send } from "./service.js";
import { element, timecode } from "./words.js";

const AROUND = 8;
const video = document.getElementById("video");
const playing = document.getElementById("playing");
const about = document.getElementById("about");
const again = document.getElementById("again");
const exact = document.getElementById("exact");
let current = null;

function range(place) {
  // Symmetric, because the service keeps the unbroken part that holds the middle.
  const before = Math.min(AROUND, place.start);
  return { stream: place.stream, start: place.start - before, end: place.end + before, fit: true };
}

function describe(clip) {
  const rows = [
    ["时段 range", `${timecode(clip.start)} – ${timecode(clip.end)}`],
    ["方式 mode", clip.mode === "exact" ? "精确（重新编码） exact" : `原样 as recorded（提前 lead ${clip.lead_ms} ms）`],
    ["SHA-256", clip.sha256],
  ];
  about.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
  const link = element("a", "", "下载 download");
  link.href = clip.url;
  link.download = `${clip.stream}-${clip.start}-${clip.mode}.mp4`;
  about.append(element("dt", "", "文件 file"), element("dd", "", link));
}

function seek() {
  video.currentTime = Math.max(0, current.place.start - current.clip.start);
}

async function load(place, mode) {
  const clip = await send("/api/v1/clips", { ...range(place), mode });
  current = { place, clip };
  video.src = clip.url;
  video.addEventListener("loadedmetadata", seek, { once: true });
  playing.textContent = place.text;
  describe(clip);
  again.disabled = exact.disabled = false;
  // A browser may forbid playing by itself; the controls are there.
  video.play().catch(() => {});
}

export const play = (place) => load(place, "copy");

export function wire(report) {
  again.addEventListener("click", () => { seek(); video.play().catch(() => {}); });
  exact.addEventListener("click", async () => {
    exact.disabled = true;
    try {
      await load(current.place, "exact");
    } catch (error) {
      report(error);
    } finally {
      exact.disabled = false;
    }
  });
}

// Plays the ten seconds around the words of an alert. While the room goes on, its newest segment may still be open.

import { said } from "./words.js";

const AROUND_S = 5;
const TRIES = 8;
const WAIT_MS = 700;

async function address(alert) {
  const middle = (alert.start + alert.end) / 2;
  const range = new URLSearchParams({ start: Math.max(0, middle - AROUND_S).toFixed(3), end: (middle + AROUND_S).toFixed(3), fit: "true" });
  const place = `/api/v1/streams/${encodeURIComponent(alert.stream)}/media?${range}`;
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(place);
    if (response.ok) {
      await response.body?.cancel();
      return { url: response.url, lead: Math.max(0, alert.start - middle + AROUND_S - 1) };
    }
    const body = await response.json();
    if (attempt === TRIES || ![404, 409, 422, 429].includes(response.status)) throw new Error(said(body.zh, body.en));
    await new Promise((done) => setTimeout(done, WAIT_MS));
  }
}

export async function playAround(video, alert) {
  const { url } = await address(alert);
  video.src = url;
  // A browser may forbid playing by itself; the controls are there.
  await video.play().catch(() => {});
}

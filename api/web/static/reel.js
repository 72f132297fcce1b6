// Plays a whole replay in any browser: stretches of a few minutes, one after the other, over gaps; its clock is the
// stream's own.

import { Frames } from "./frames.js";
import { ask } from "./service.js";
import { said } from "./words.js";

export class Reel {
  // `told` comes with every picture that is shown.
  constructor(video, stream, told) {
    this.video = video;
    this.stream = stream;
    this.window = null;
    this.parts = [];
    this.frames = new Frames(video, told);
    video.addEventListener("ended", () => this.onward());
  }

  now() {
    return this.window ? this.window.start + this.frames.time() : 0;
  }

  async seek(moment, play = false) {
    if (!this.window || moment < this.window.start || moment >= this.window.end) {
      this.window = await ask(`/api/v1/streams/${encodeURIComponent(this.stream)}/playback`, { at: moment.toFixed(3) });
      this.video.src = this.window.url;
      await new Promise((done, failed) => {
        this.video.addEventListener("loadedmetadata", done, { once: true });
        this.video.addEventListener("error", () => failed(new Error(said("这一段无法播放", "this stretch cannot be played"))), { once: true });
      });
    }
    this.video.currentTime = Math.max(0, moment - this.window.start);
    // A browser may forbid playing by itself; the controls are there.
    if (play) await this.video.play().catch(() => {});
  }

  // To the middle of a picture, so that rounding shows no other; `pictures` may be negative.
  step(pictures, seconds = 0) {
    this.video.pause();
    const { length } = this.frames;
    return this.seek(Math.max(0, this.now() + seconds + (pictures + 0.5) * length));
  }

  async onward() {
    const end = this.window.end;
    const next = this.parts.find((part) => part.end > end + 0.2);
    if (next) await this.seek(Math.max(next.start, end + 0.05), true);
  }
}

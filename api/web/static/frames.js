// Pictures one by one: which one is shown, and how long one lasts, as the browser tells while it presents them.

const USUAL_S = 1 / 25;

export class Frames {
  constructor(video) {
    this.video = video;
    this.length = USUAL_S;
    this.forget();
    video.addEventListener("loadstart", () => this.forget());
    this.listen();
  }

  forget() {
    this.shown = null;
    this.count = -1;
  }

  listen() {
    this.video.requestVideoFrameCallback?.((_now, frame) => {
      const lasted = this.shown === null ? 0 : frame.mediaTime - this.shown;
      if (frame.presentedFrames === this.count + 1 && lasted > 0.004 && lasted < 0.25) this.length = lasted;
      this.shown = frame.mediaTime;
      this.count = frame.presentedFrames;
      this.listen();
    });
  }

  // Time in the file: that of the picture shown where the player stands, to the frame.
  time() {
    const { currentTime, paused } = this.video;
    const stands = paused && this.shown !== null && Math.abs(currentTime - this.shown) < this.length * 1.5;
    return stands ? this.shown : currentTime;
  }
}

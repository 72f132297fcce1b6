// Pictures one by one: which one is shown, and how long one lasts, as the browser tells while it presents them.

const USUAL_S = 1 / 25;

export class Frames {
  // `told` comes with every picture that is shown.
  constructor(video, told = () => {}) {
    this.video = video;
    this.told = told;
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
      // Only while it plays: a jump to a place nearby says nothing of how long a picture lasts.
      const lasted = this.shown === null || this.video.paused ? 0 : frame.mediaTime - this.shown;
      if (frame.presentedFrames === this.count + 1 && lasted > 0.004 && lasted < 0.25) this.length = lasted;
      this.shown = frame.mediaTime;
      this.count = frame.presentedFrames;
      this.told();
      this.listen();
    });
  }

  // Whether the player stands on a picture that it said it shows.
  get stands() {
    const { currentTime, paused, seeking } = this.video;
    return paused && !seeking && this.shown !== null && Math.abs(currentTime - this.shown) < this.length * 1.5;
  }

  // Time in the file: that of the picture shown where the player stands, to the frame.
  time() {
    return this.stands ? this.shown : this.video.currentTime;
  }
}

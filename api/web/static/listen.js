// Live events, without loss or doubles: a browser reconnects by itself; where it gave up, a new connection goes on
// behind the last event that was seen.

const AGAIN_MS = 1000;

export class Listener {
  constructor(cursor, tell, told) {
    this.cursor = cursor;
    this.tell = tell;
    this.told = told;
    this.connect();
  }

  connect() {
    this.source = new EventSource(`/api/v1/events?after=${this.cursor}`);
    this.source.onopen = () => this.told("live");
    this.source.onerror = () => {
      this.told("lost");
      if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), AGAIN_MS);
    };
    this.source.addEventListener("reset", () => location.reload());
    for (const kind of KINDS) this.source.addEventListener(kind, (event) => this.take(event));
  }

  take(event) {
    const cursor = Number(event.lastEventId);
    if (cursor <= this.cursor) return;
    this.cursor = cursor;
    this.tell(JSON.parse(event.data));
  }
}

export const ALERTS = ["alert", "alert.repeated", "alert.corrected", "alert.softened", "alert.reviewed"];
const ROOMS = ["stream.started", "stream.ended", "stream.failed", "stream.silent", "stream.resumed", "stream.behind",
  "stream.caught_up", "gap", "gap.opened", "no_audio", "audio.resumed", "stream.deleted", "search.matched", "measure.asked", "measure.answered"];
const KINDS = [...ALERTS, ...ROOMS];

// A sound and a notice of the system for grave alerts, where the person asked for them; the wish is kept in this browser.

const WISH = "livewitness.sound";
const box = document.getElementById("sound");
let audio = null;

function beep() {
  audio ??= new AudioContext();
  // Until somebody touched the page a browser keeps it silent.
  if (audio.state === "suspended") audio.resume();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.value = 0.15;
  tone.frequency.value = 880;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.2);
}

export function notice(alert, wanted) {
  if (!wanted || alert.severity !== "high") return;
  beep();
  if (Notification.permission === "granted" && document.hidden) {
    new Notification(`${alert.stream}：${alert.matched}`, { body: alert.title, tag: alert.alert_id });
  }
}

if (box) {
  box.checked = localStorage.getItem(WISH) === "1";
  box.addEventListener("change", () => {
    localStorage.setItem(WISH, box.checked ? "1" : "");
    if (!box.checked) return;
    beep();
    if (Notification.permission === "default") Notification.requestPermission();
  });
}

// A sound and a notice of the system for grave alerts, where the person asked for them.

let audio = null;

function beep() {
  audio ??= new AudioContext();
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

document.getElementById("sound")?.addEventListener("change", (event) => {
  if (event.target.checked && Notification.permission === "default") Notification.requestPermission();
});

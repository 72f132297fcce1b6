// Exports that take a while: asked for, then looked after until they are done.

import { ask } from "./service.js";
import { said } from "./words.js";

const EVERY_MS = 700;

export async function settled(address, job, told = () => {}) {
  for (;;) {
    const { jobs } = await ask(`${address}/exports`);
    const now = jobs.find((one) => one.id === job.id);
    if (!now) throw new Error(said("服务重启过，请重新导出", "the service was restarted; export again"));
    told(now);
    if (now.state === "failed") throw new Error(said([now.error.zh, now.error.hint_zh].filter(Boolean).join(" "), now.error.en));
    if (now.state === "done") return now.made;
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}

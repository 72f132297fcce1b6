// Requests to the service. Errors carry the service's own sentence in Chinese and English.

export class ServiceError extends Error {
  constructor(body) {
    super([body.zh, body.hint_zh, body.en, body.hint_en].filter(Boolean).join(" "));
    this.code = body.code;
  }
}

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new ServiceError(body);
  return body;
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(given);
  return answer(await fetch(`${path}?${query}`));
}

export async function send(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

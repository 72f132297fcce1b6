// Requests to the service. Errors carry the service's own sentence in Chinese and English.

import { said } from "./words.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
export const me = meta("me");
export const may = (permission) => meta("may").split(" ").includes(permission);

export class ServiceError extends Error {
  constructor(body, status) {
    const sentence = (...parts) => parts.filter(Boolean).join(" ");
    super(said(sentence(body.zh, body.hint_zh), sentence(body.en, body.hint_en)));
    this.code = body.code;
    this.status = status;
  }
}

async function answer(response) {
  if (response.status === 204) return null;
  const body = await response.json();
  if (response.ok) return body;
  if (response.status === 401 && location.pathname !== "/sign-in") location.assign("/sign-in");
  throw new ServiceError(body, response.status);
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(given);
  return answer(await fetch(given.length ? `${path}?${query}` : path));
}

export async function send(path, body, method = "POST") {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": meta("csrf") };
  return answer(await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

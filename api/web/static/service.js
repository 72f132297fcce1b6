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
  const body = await response.json().catch(() => ({ code: "unreadable", zh: `服务的回答无法读取（${response.status}）。`, en: `The answer cannot be read (${response.status}).` }));
  if (response.ok) return body;
  if (response.status === 401 && location.pathname !== "/sign-in") signIn();
  throw new ServiceError(body, response.status);
}

// A session that ended leads to the sign-in page, and from there back to where one was.
export function signIn() {
  location.assign(`/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
}

async function reach(path, how) {
  try {
    return await fetch(path, how);
  } catch {
    throw new ServiceError({ code: "unreachable", zh: "连不上服务，请稍后再试。", en: "The service cannot be reached; try again soon." }, 0);
  }
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(given);
  return answer(await reach(given.length ? `${path}?${query}` : path));
}

export async function send(path, body, method = "POST") {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": meta("csrf") };
  return answer(await reach(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

// A file as the body, of the type that is said.
export async function sendFile(path, file, type) {
  return answer(await reach(path, { method: "POST", body: file, headers: { "X-CSRF-Token": meta("csrf"), "Content-Type": type } }));
}

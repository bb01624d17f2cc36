// The server's API: requests, the token when the server asks for one, and its errors in words.

import { byId } from "./dom.js";

let token = null;
let asking = null; // the promise of an answer while the dialog is open: several requests may need the one token

/** A request failed; the message says why, for the person at the page. */
export class ServiceError extends Error {}

/** The answer to a GET as JSON. */
export async function get(path) {
  return (await answer(path)).json();
}

/** The response to a POST of a JSON body. */
export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Whether the server has asked for a token and got one. */
export const hasToken = () => token !== null;

/** An address for `<img src>`: the picture's own, or its content, fetched with the token that an image cannot send. */
export async function pictureAddress(path) {
  return hasToken() ? dataAddress(await (await answer(path)).blob()) : address(path);
}

async function answer(path, options = {}) {
  const used = token;
  const response = await send(path, options);
  if (response.status === 401) {
    // Another request may have brought a new token meanwhile.
    if (used === token) await (asking ??= askForToken().finally(() => (asking = null)));
    return answer(path, options);
  }
  if (!response.ok) throw new ServiceError(await reason(response));
  return response;
}

async function send(path, options) {
  const headers = { ...options.headers, ...(hasToken() && { Authorization: `Bearer ${token}` }) };
  try {
    return await fetch(address(path), { ...options, headers });
  } catch {
    throw new ServiceError("The server does not answer. Check that it runs and can be reached, then try again.");
  }
}

/** The API names paths from its root, "/v1/..."; the page may stand behind a prefix of a proxy. */
const address = (path) => new URL(`.${path}`, document.baseURI).href;

function dataAddress(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.readAsDataURL(blob);
  });
}

async function reason(response) {
  const about = await response.json().catch(() => ({})); // a proxy on the way answers with pages of its own
  return about.detail ?? `The server answered ${response.status} ${response.statusText}: try again later.`;
}

async function askForToken() {
  const [dialog, field] = [byId("token-dialog"), byId("token")];
  byId("token-error").textContent = hasToken() ? "The server refused this token." : "";
  dialog.returnValue = "";
  dialog.showModal();
  field.select();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "use") throw new ServiceError("This server answers only with a token.");
  token = field.value;
}

// The list as a file: fetched from the API in the chosen format, then given to the browser to save.

import { post } from "./api.js";
import { byId, element } from "./dom.js";
import { bytes, plural } from "./format.js";

/** Fetch the list that answers `request` in the format of the form, tell how far it is, and save it. */
export async function download(request) {
  const body = { ...request, format: byId("format").value, annotations: byId("annotations").checked };
  tell("Asking for the list…");
  byId("download-error").textContent = "";
  byId("download-progress").hidden = false;
  try {
    const response = await post("/v1/recommendations", body);
    const list = await received(response, Number(response.headers.get("X-Images")));
    save(list, fileName(response, body.format));
    tell(`Saved ${fileName(response, body.format)}, ${bytes(list.size)}.`);
  } catch (error) {
    tell("");
    byId("download-error").textContent = `${error.message} Nothing was saved.`;
  } finally {
    byId("download-progress").hidden = true;
  }
}

/** The whole body as a blob; how much has come is told on the way, as the length of a streamed list is not known. */
async function received(response, images) {
  const parts = [];
  let size = 0;
  const reader = response.body.getReader();
  for (let part = await next(reader); !part.done; part = await next(reader)) {
    parts.push(part.value);
    size += part.value.length;
    tell(`${plural(images, "image")}: ${bytes(size)} received…`);
  }
  return new Blob(parts);
}

async function next(reader) {
  try {
    return await reader.read();
  } catch {
    throw new Error("The connection broke before the list was whole: try again.");
  }
}

const fileName = (response, format) =>
  /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition"))?.[1] ?? `picks.${format}`;

function save(list, name) {
  const link = element("a", { href: URL.createObjectURL(list), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
}

const tell = (text) => (byId("download-status").textContent = text);

// Example pictures, loaded when they are about to be seen: an index of 50 clusters has 450.

import { element } from "./dom.js";
import { pictureAddress } from "./api.js";

const SIDE = 96; // pixels of a thumbnail
const waiting = new WeakMap(); // picture -> its path in the API

const observer = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => load(entry.target)),
  { rootMargin: "400px" },
);

/** A list of example pictures, described once for all: one by one they have no names. */
export function tiles(paths, description) {
  return element("div", { className: "tiles", role: "img", "aria-label": description }, ...paths.map(picture));
}

/** One example picture, without a description of its own. */
export function picture(path) {
  const made = element("img", { width: SIDE, height: SIDE, alt: "" });
  waiting.set(made, path);
  observer.observe(made);
  return made;
}

async function load(image) {
  observer.unobserve(image);
  const path = waiting.get(image);
  image.src = await pictureAddress(path).catch(() => ""); // the tile stays empty; what else fails says why
}

// The cards of the indexed datasets.

import { byId, element, fact } from "./dom.js";
import { bytes, count, labelKind, licence, listedAs, plural } from "./format.js";
import { tiles } from "./pictures.js";

const SHOWN = 3; // licences or kinds of labels, until more are asked for

/** Show what the server knows: /v1/index in the heading, a card for each of /v1/datasets. */
export function showDatasets(index, datasets) {
  byId("facts").replaceChildren(
    fact("datasets", count(index.datasets)),
    fact("experts", count(index.experts)),
    fact("images", count(index.images)),
    fact("to download in all", bytes(index.bytes)),
  );
  byId("version").textContent = `${index.name}, ndslib ${index.version} · `;
  byId("datasets").replaceChildren(...datasets.map(card));
}

function card(dataset) {
  const { images, experts, labels, licences } = dataset;
  return element(
    "li",
    { className: "card" },
    element("h3", {}, title(dataset)),
    element("p", {}, `${plural(images, "image")}, ${bytes(dataset.bytes)}, ${plural(experts, "expert")}`),
    tiles(dataset.thumbnails, `Example images of ${dataset.title}`),
    element(
      "dl",
      { className: "about" },
      ...row("Labels", labels.map((each) => [labelKind(each.labels), each.images])),
      ...row("Licence", licences.map((each) => [licence(each.licence), each.images])),
      ...row("Listed as", [[listedAs(dataset.listed_as), images]]),
    ),
  );
}

/** The title, as a link where the index knows one that is a web address. */
function title({ title: text, link }) {
  if (!/^https?:\/\//i.test(link ?? "")) return text;
  return element("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** A term and what a dataset's images are under it, most first; with their numbers where they differ. */
function row(term, parts) {
  const sorted = [...parts].sort(([, one], [, other]) => other - one);
  const texts = sorted.map(([name, images]) => (parts.length === 1 ? name : `${name} (${count(images)})`));
  return [element("dt", {}, term), element("dd", {}, ...folded(texts))];
}

/** The first few texts, and the others behind a summary. */
function folded(texts) {
  const rest = texts.slice(SHOWN);
  if (rest.length < 2) return [texts.join(", ")];
  const more = element("details", {}, element("summary", {}, `and ${rest.length} more`), rest.join(", "));
  return [texts.slice(0, SHOWN).join(", "), more];
}

// The answer: how large the selection is, of what it is made, and how the clusters rank.

import { bar, byId, element, fact, fillTable, tableRow } from "./dom.js";
import { bytes, count, fraction, plural } from "./format.js";
import { tiles } from "./pictures.js";

const SHOWN = 12; // clusters, until the rest is asked for

/**
 * Show an answer of /v1/summaries.
 *
 * @param {object} summary
 * @param {Map<string, string[]>} thumbnails - paths by expert
 * @param {Map<string, string>} titles - of the datasets by name
 */
export function showResult(summary, thumbnails, titles) {
  const chosen = summary.datasets.filter((dataset) => dataset.images > 0);
  byId("result-facts").replaceChildren(
    fact("images", count(summary.images)),
    fact("to download", bytes(summary.bytes)),
    fact("datasets", count(chosen.length)),
    fact("clusters", count(summary.clusters.filter((cluster) => cluster.selected > 0).length)),
  );
  showSelection(summary);
  showClusters(summary.clusters, thumbnails, titles);
  byId("stale").textContent = "";
  byId("result").hidden = false;
  byId("result-heading").focus();
}

/** Say that the answer is no longer the one to the request that stands in the form. */
export function markStale() {
  byId("stale").textContent = "You have changed the request since. Below is still the answer to the one before.";
}

function showSelection({ datasets, images }) {
  const heads = ["Dataset", "Share", "Images", "Size"];
  const rows = datasets.map((each) => {
    const share = each.images / images;
    const drawn = [bar(share), element("span", { className: "number" }, `${(100 * share).toFixed(1)} %`)];
    return tableRow(heads, [each.title, drawn, count(each.images), bytes(each.bytes)]);
  });
  fillTable(byId("selection"), heads, rows);
}

function showClusters(clusters, thumbnails, titles) {
  const heads = ["Cluster", "Weight", "Score", "Selected", "Examples"];
  const heaviest = clusters[0].weight;
  const rows = clusters.map((each, rank) =>
    tableRow(heads, [
      [element("span", { className: "rank" }, `${rank + 1}`), ...twoLines(each.cluster, titles.get(each.dataset))],
      [bar(each.weight / heaviest), element("span", { className: "number" }, fraction(each.weight))],
      fraction(each.score),
      twoLines(`${count(each.selected)} of ${count(each.images)}`, bytes(each.bytes)),
      tiles(thumbnails.get(each.cluster), `Example images of ${each.cluster}`),
    ]),
  );
  fillTable(byId("clusters"), heads, rows);
  fold(rows.slice(SHOWN), clusters.length);
}

const twoLines = (text, below) => [text, element("span", { className: "hint below" }, below)];

/** Hide the rows until the button below them is used. */
function fold(rows, all) {
  const button = byId("all-clusters");
  rows.forEach((row) => (row.hidden = true));
  button.hidden = rows.length === 0;
  button.textContent = `Show all ${plural(all, "cluster")}`;
  button.onclick = () => {
    rows.forEach((row) => (row.hidden = false));
    button.hidden = true;
    rows[0].tabIndex = -1;
    rows[0].focus(); // the button is gone
  };
}

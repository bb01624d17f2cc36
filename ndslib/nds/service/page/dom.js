// Small helpers around the document. Text goes in as text nodes alone: what a server or a file says is never markup.

/** The element of an id that index.html is known to hold. */
export const byId = (id) => document.getElementById(id);

/** A new element; `properties` are set on it, `role`, `for`, `aria-*` and the like as attributes. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** One name and value of a `<dl class="facts">`. */
export const fact = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));

/**
 * A horizontal bar, `share` of the full width in [0, 1]. The number always stands beside it as text, so that assistive
 * technology passes over the drawing.
 */
export function bar(share) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const filled = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  drawing.setAttribute("class", "bar");
  drawing.setAttribute("aria-hidden", "true");
  filled.setAttribute("width", `${100 * share}%`);
  filled.setAttribute("height", "100%");
  drawing.append(filled);
  return drawing;
}

/** A table's head and rows. The roles are explicit because narrow windows lay rows out as blocks. */
export function fillTable(table, heads, rows) {
  const head = heads.map((text) => element("th", { role: "columnheader", scope: "col" }, text));
  table.replaceChildren(
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...head)),
    element("tbody", { role: "rowgroup" }, ...rows),
  );
}

/** A table's row: the first cell names it; `data-head` is the column's name, which narrow windows show in the cell. */
export function tableRow(heads, cells) {
  const made = cells.map((content, column) => {
    const first = column === 0;
    const about = first ? { role: "rowheader", scope: "row" } : { role: "cell" };
    return element(first ? "th" : "td", { ...about, "data-head": heads[column] }, ...[content].flat());
  });
  return element("tr", { role: "row" }, ...made);
}

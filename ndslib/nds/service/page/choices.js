// What a person chooses beside the scores: the budget, what to draw from, and how. Each part reads as a piece of the
// request's body, or throws a Problem.

import { byId, element } from "./dom.js";
import { bytes, count, labelKind, licence } from "./format.js";
import { Problem, numberIn } from "./problem.js";

const USUAL = 20_000; // images, where the index has many more
const UNIT_BYTES = { GB: 1e9, MB: 1e6 };

export class Budget {
  /** @param {object} index - of /v1/index */
  constructor(index) {
    this.most = Math.min(index.images, index.limits.images);
    this.mean = index.bytes / index.images;
    byId("budget").value = Math.min(USUAL, Math.ceil(index.images / 5), this.most);
    this.unit = byId("budget-unit").value;
    byId("budget-unit").addEventListener("change", () => this.#convert());
    const more = this.most < index.images ? `; one list has ${count(this.most)} images at most` : "";
    byId("budget-hint").textContent = `All there is: ${count(index.images)} images, ${bytes(index.bytes)}${more}.`;
  }

  read() {
    const [field, unit] = [byId("budget"), byId("budget-unit").value];
    if (unit === "images") return { images: this.#images(field) };
    const size = Math.round(numberIn(field, "budget", `Give the budget as a number of ${unit}.`) * UNIT_BYTES[unit]);
    if (size < 1) throw new Problem("budget", "The budget has to be more than nothing.", field);
    return { bytes: size };
  }

  #images(field) {
    const images = numberIn(field, "budget", "Give the budget as a number of images.");
    if (Number.isInteger(images) && images >= 1 && images <= this.most) return images;
    throw new Problem("budget", `Give the budget as a whole number of images from 1 to ${count(this.most)}.`, field);
  }

  /** Another unit keeps about the same budget. */
  #convert() {
    const [field, unit] = [byId("budget"), byId("budget-unit").value];
    const images = field.valueAsNumber * ((UNIT_BYTES[this.unit] ?? this.mean) / this.mean);
    this.unit = unit;
    if (Number.isNaN(images)) return;
    if (unit === "images") field.value = Math.max(1, Math.round(images));
    else field.value = Number(((images * this.mean) / UNIT_BYTES[unit]).toPrecision(3));
  }
}

export class Filters {
  /** @param {object[]} datasets - of /v1/datasets */
  constructor(datasets) {
    const labels = unique(datasets.flatMap((each) => each.labels.map((part) => part.labels)));
    const licences = unique(datasets.flatMap((each) => each.licences.map((part) => part.licence)));
    this.parts = [
      new Filter("datasets", "Datasets", datasets.map((each) => [each.name, each.title])),
      new Filter("labels", "Labels", labels.map((kind) => [kind, labelKind(kind)])),
      new Filter("licences", "Licences", licences.map((name) => [name, licence(name)])),
    ];
    byId("filters").replaceChildren(...this.parts.map((part) => part.group()));
  }

  read() {
    return Object.assign({}, ...this.parts.map((part) => part.read()));
  }
}

/** A group of tick boxes, all ticked at first. */
class Filter {
  /** `choices`: of each, the value in the request and what the page calls it. */
  constructor(name, legend, choices) {
    this.name = name;
    this.legend = legend;
    this.boxes = choices.map(([value, text]) => [value, text, element("input", { type: "checkbox", checked: true })]);
  }

  /** The list of what is ticked; nothing when that is all. */
  read() {
    const ticked = this.boxes.filter(([, , box]) => box.checked).map(([value]) => value);
    const [[, , first]] = this.boxes;
    if (!ticked.length) throw new Problem("filters", `${this.legend}: tick one at least.`, first);
    return ticked.length < this.boxes.length ? { [this.name]: ticked } : {};
  }

  group() {
    const labels = this.boxes.map(([, text, box]) => element("label", { className: "check" }, box, text));
    return element(
      "fieldset",
      { "aria-describedby": "filters-error" },
      element("legend", {}, this.legend),
      element("div", { className: "checks" }, ...labels),
    );
  }
}

export class Tuning {
  read() {
    const seed = numberIn(byId("seed"), "tuning", "The seed has to be a whole number from 0.");
    const temperature = numberIn(byId("temperature"), "tuning", "The temperature has to be a number above 0.");
    if (temperature === 0) throw new Problem("tuning", "The temperature has to be above 0.", byId("temperature"));
    return { seed, temperature, normalisation: byId("normalisation").value };
  }
}

const unique = (values) => [...new Set(values)];

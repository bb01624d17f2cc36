// Numbers and names as a person reads them.

const LABELS = { none: "no labels", class: "classes", boxes: "boxes", masks: "masks" };
const LISTED = { urls: "links", paths: "paths on the server's machine" };
const UNITS = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]];

/** An integer with thousands separated: 1,234,567. */
export const count = (value) => value.toLocaleString("en-GB");

/** A number of bytes in the largest unit that fits (decimal units: 1 GB is 10^9 bytes): 3.25 GB. */
export function bytes(value) {
  const [unit, size] = UNITS.find(([, least]) => value >= least) ?? ["bytes", 1];
  return `${(value / size).toLocaleString("en-GB", { maximumSignificantDigits: 3 })} ${unit}`;
}

/** A weight or score in [0, 1] with three decimals; what would round to zero says so. */
export const fraction = (value) => (value > 0 && value < 0.0005 ? "< 0.001" : value.toFixed(3));

/** A kind of labels in words. */
export const labelKind = (kind) => LABELS[kind] ?? kind;

/** What lists say of a dataset's images, in words. */
export const listedAs = (kind) => LISTED[kind] ?? kind;

/** A licence; the index knows images whose licence its provider does not state. */
export const licence = (name) => name ?? "licence not stated";

/** The first few of some names: "a, b, c and 4 more". */
export function some(names, most = 5) {
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown} and ${count(names.length - most)} more` : shown;
}

/** `1 image`, `2 images`. */
export const plural = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;

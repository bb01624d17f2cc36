// What is wrong with the request, said beside its cause.

import { byId } from "./dom.js";

const PLACES = ["scores", "budget", "filters", "tuning", "request"];

// The server gives one reason as text. The words of `recommend` and of the request's own fields tell what it is about.
const WORDS = [
  ["budget", /budget|\bimages:|\bbytes:/i],
  ["filters", /filter|datasets|labels|licences/i],
  ["tuning", /temperature|seed|normalisation/i],
  ["scores", /score|expert/i],
];

/** Something that the person can put right; `place` is where on the page, `control` the field to go to. */
export class Problem extends Error {
  constructor(place, message, control = null) {
    super(message);
    this.place = place;
    this.control = control;
  }
}

/** The problem that a server's reason is about. */
export function problemOf(reason) {
  const [place] = WORDS.find(([, words]) => words.test(reason)) ?? ["request"];
  const control = { budget: byId("budget"), tuning: byId("seed"), scores: byId("scores-file") }[place] ?? null;
  return new Problem(place, reason, control);
}

/** Show problems at their places and go to the first; an empty list clears the page of them. */
export function showProblems(problems) {
  document.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
  for (const place of PLACES) {
    const here = problems.find((problem) => problem.place === place);
    byId(`${place}-error`).textContent = here?.message ?? "";
    here?.control?.setAttribute("aria-invalid", "true");
  }
  const first = problems.find((problem) => problem.control !== null)?.control;
  first?.closest("details")?.setAttribute("open", "");
  first?.focus();
}

/** The number in a field; a Problem with `message` unless the field holds one that its limits allow. */
export function numberIn(field, place, message) {
  if (field.value === "" || !field.validity.valid) throw new Problem(place, message, field);
  return field.valueAsNumber;
}

// The scores: a field for each expert, filled by hand or from a dropped or chosen file.

import { byId, element } from "./dom.js";
import { count, plural, some } from "./format.js";
import { picture } from "./pictures.js";
import { Problem, showProblems } from "./problem.js";
import { readScores } from "./scores-file.js";

const OPEN_UP_TO = 6; // experts whose fields are shown at once; more are folded away until asked for

export class ScoreFields {
  /**
   * @param {object[]} experts - of /v1/experts
   * @param {Map<string, string>} titles - of the datasets by name
   * @param {number} most - bytes that a scores file may have
   */
  constructor(experts, titles, most) {
    this.experts = experts.map((expert) => expert.id);
    this.most = most;
    this.fields = new Map(experts.map((expert) => [expert.id, scoreField()]));
    const of = (dataset) => experts.filter((expert) => expert.dataset === dataset);
    byId("score-fields").replaceChildren(...[...titles].map(([dataset, title]) => this.#group(title, of(dataset))));
    byId("score-fields").addEventListener("input", () => this.#tell(""));
    byId("score-entry").open = experts.length <= OPEN_UP_TO;
    this.#listen();
    this.#tell("");
  }

  /** The scores by expert; a Problem names the first field without one. */
  read() {
    const wrong = this.experts.filter((expert) => !hasScore(this.fields.get(expert)));
    if (this.experts.every((expert) => isEmpty(this.fields.get(expert)))) {
      const message = "No scores yet: drop the file that “ndslib rate” wrote, or enter them by hand.";
      throw new Problem("scores", message, byId("scores-file"));
    }
    if (wrong.length) {
      throw new Problem("scores", `A score from 0 to 1 is wanted for ${some(wrong)}.`, this.fields.get(wrong[0]));
    }
    return { scores: Object.fromEntries([...this.fields].map(([expert, field]) => [expert, field.valueAsNumber])) };
  }

  /** Take the scores of a file into the fields; a file with a fault changes none of them. */
  async take(file) {
    try {
      const scores = await readScores(file, this.experts, this.most);
      this.experts.forEach((expert) => (this.fields.get(expert).value = scores[expert]));
      byId("score-fields").dispatchEvent(new Event("input", { bubbles: true })); // as if a person had entered them
      showProblems([]);
      this.#tell(`Read from ${file.name}: `);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      showProblems([new Problem(problem.place, `${file.name}: ${problem.message}`)]);
    }
  }

  /** Files may be dropped anywhere on the page: beside the marked place, a browser would open the file instead. */
  #listen() {
    const [drop, chooser] = [byId("drop"), byId("scores-file")];
    chooser.addEventListener("click", () => (chooser.value = "")); // the same file, mended, is a new choice
    chooser.addEventListener("change", () => chooser.files.length && this.take(chooser.files[0]));
    window.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    window.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      chooser.files = event.dataTransfer.files; // shows its name
      this.take(chooser.files[0]);
    });
  }

  #group(title, experts) {
    const fields = experts.map((expert) =>
      element(
        "label",
        { className: "score", title: plural(expert.images, "image") },
        ...expert.thumbnails.slice(0, 1).map(picture),
        element("span", {}, expert.id),
        this.fields.get(expert.id),
      ),
    );
    return element("fieldset", {}, element("legend", {}, title), element("div", { className: "scores" }, ...fields));
  }

  #tell(before) {
    const given = [...this.fields.values()].filter(hasScore).length;
    const text = `${before}${count(given)} of ${plural(this.experts.length, "expert")} scored.`;
    byId("scores-status").textContent = given ? text : "";
  }
}

const scoreField = () => element("input", { type: "number", min: 0, max: 1, step: "any", inputMode: "decimal" });

// A field that holds no number reads as "", but its validity tells.
const isEmpty = (field) => field.value === "" && field.validity.valid;

const hasScore = (field) => field.value !== "" && field.validity.valid;

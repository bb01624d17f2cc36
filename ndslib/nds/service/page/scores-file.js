// The scores file that `ndslib rate` writes: {"format": "ndslib-scores-1", "scores": {"coco/0": 0.61, ...}}.

import { bytes, some } from "./format.js";
import { Problem } from "./problem.js";

const FORMAT = "ndslib-scores-1";
const RIGHT_ONE = "choose the scores.json that “ndslib rate” wrote.";
const RATE_AGAIN = "run the line of step 2 again.";

/**
 * The scores of a file, by expert. Throws a Problem that says what is wrong and how to get a right one.
 *
 * @param {File} file
 * @param {string[]} experts - the server's experts; the file has to score these and no others.
 * @param {number} most - bytes that a request may have, and so its scores.
 */
export async function readScores(file, experts, most) {
  if (file.size > most) throw refuse(`${bytes(file.size)} is too much for scores: ${RIGHT_ONE}`);
  const scores = scoresIn(await textOf(file));
  checkExperts(Object.keys(scores), experts);
  checkValues(scores);
  return scores;
}

const refuse = (reason) => new Problem("scores", reason);

async function textOf(file) {
  try {
    return await file.text();
  } catch {
    throw refuse(`it cannot be read: ${RIGHT_ONE}`); // a folder, or a file that has gone
  }
}

function scoresIn(text) {
  const found = parsed(text);
  if (found?.format !== FORMAT) {
    const format = JSON.stringify(found?.format) ?? "not stated";
    throw refuse(`its format is ${format}, but this page reads “${FORMAT}”: ${RATE_AGAIN}`);
  }
  if (Object.prototype.toString.call(found.scores) !== "[object Object]") {
    throw refuse(`it has no list of scores by expert: ${RATE_AGAIN}`);
  }
  return found.scores;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse(`it is not JSON: ${RIGHT_ONE}`);
  }
}

function checkExperts(scored, experts) {
  const unknown = scored.filter((expert) => !experts.includes(expert));
  const missing = experts.filter((expert) => !scored.includes(expert));
  if (unknown.length) throw refuse(`this server has no expert ${some(unknown)}: ${RATE_AGAIN}`);
  if (missing.length) throw refuse(`it has no score for ${some(missing)}: ${RATE_AGAIN}`);
}

function checkValues(scores) {
  for (const [expert, score] of Object.entries(scores)) {
    if (typeof score !== "number" || score < 0 || score > 1) {
      throw refuse(`the score of ${expert} is ${JSON.stringify(score)}; it has to be a number from 0 to 1.`);
    }
  }
}

// The page of the dataserver (NDS-S Fig. 1): shows the index, takes the scores and the choices, shows the answer.

import { ServiceError, get, hasToken, post } from "./api.js";
import { Budget, Filters, Tuning } from "./choices.js";
import { showDatasets } from "./datasets.js";
import { byId } from "./dom.js";
import { download } from "./download.js";
import { plural } from "./format.js";
import { Problem, problemOf, showProblems } from "./problem.js";
import { markStale, showResult } from "./result.js";
import { ScoreFields } from "./scores.js";

const knowledge = { thumbnails: null, titles: null }; // by expert, by dataset
let parts = []; // of the request
let answered = null; // the request whose answer is shown
let busy = false;

byId("load-again").addEventListener("click", load);
byId("copy").addEventListener("click", copyCommand);
byId("request").addEventListener("submit", (event) => once(event, recommend));
byId("request").addEventListener("input", () => answered && markStale());
byId("download").addEventListener("submit", (event) => once(event, () => download(answered)));
load();

async function load() {
  byId("load-failure").hidden = true;
  byId("load-status").textContent = "Asking the server what it knows…";
  try {
    const index = await get("/v1/index");
    const [{ datasets }, { experts }] = await Promise.all([get("/v1/datasets"), get("/v1/experts")]);
    start(index, datasets, experts);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    byId("load-error").textContent = error.message;
    byId("load-failure").hidden = false;
  }
  byId("load-status").textContent = "";
}

function start(index, datasets, experts) {
  knowledge.titles = new Map(datasets.map((dataset) => [dataset.name, dataset.title]));
  knowledge.thumbnails = new Map(experts.map((expert) => [expert.id, expert.thumbnails]));
  showDatasets(index, datasets);
  const scores = new ScoreFields(experts, knowledge.titles, index.limits.request_bytes);
  parts = [scores, new Budget(index), new Filters(datasets), new Tuning()];
  const here = document.baseURI.replace(/\/?([?#].*)?$/, "");
  byId("rate-command").textContent = `ndslib rate ${here} DATA_DIR --out scores.json`;
  byId("token-hint").hidden = !hasToken();
  byId("content").hidden = false;
}

async function recommend() {
  const { body, problems } = compose();
  showProblems(problems);
  if (problems.length) return;
  byId("request-status").textContent = "Asking…";
  try {
    const summary = await (await post("/v1/summaries", body)).json();
    answered = body;
    byId("request-status").textContent = `${plural(summary.images, "image")} recommended, see below.`;
    showResult(summary, knowledge.thumbnails, knowledge.titles);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    byId("request-status").textContent = "";
    showProblems([problemOf(error.message)]);
  }
}

/** The request's body, and all that is wrong with it. */
function compose() {
  const [body, problems] = [{}, []];
  for (const part of parts) {
    try {
      Object.assign(body, part.read());
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      problems.push(problem);
    }
  }
  return { body, problems };
}

/** Answer a form's submission on this page, one at a time. */
async function once(event, act) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  await act().finally(() => (busy = false));
}

async function copyCommand() {
  const command = byId("rate-command");
  try {
    await navigator.clipboard.writeText(command.textContent);
    byId("copy-status").textContent = "Copied.";
  } catch {
    // Browsers keep the clipboard from pages that come without https from another machine, or stand in a frame.
    getSelection().selectAllChildren(command);
    byId("copy-status").textContent = "Selected: press Ctrl+C to copy it.";
  }
}

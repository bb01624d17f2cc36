"""The page of the service, as a person uses it: in headless Chromium, over a served index."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("playwright", reason="the page is tested with playwright: pip install playwright")
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect

from ndslib.core.browser import browser
from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig
from ndslib.data import sample_table
from ndslib.nds import Index
from ndslib.nds.experts import ExpertConfig
from ndslib.nds.extractor import Extractor
from ndslib.nds.index import Source
from ndslib.nds.service import running

PATIENCE = 15_000  # milliseconds for what happens at once on an idle machine
EXPERTS = ("bright/0", "bright/1", "plain/0", "odd/0")
SCORES = dict(zip(EXPERTS, (0.9, 0.8, 0.3, 0.1), strict=True))
BUDGET = 20
REQUEST = {"scores": SCORES, "images": BUDGET, "seed": 0, "temperature": 0.1, "normalisation": "minmax"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(browser())
        except InputError as error:
            pytest.skip(str(error))
        expect.set_options(timeout=PATIENCE)
        yield started


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, mean_colour: Extractor) -> Index:
    """Datasets of 24, 12 and 4 images: with classes, without labels, and with a title that looks like markup."""
    place = tmp_path_factory.mktemp("page")
    config = ExpertConfig(TrainConfig(1, batch_size=8, lr=0.05), "rotation", width=2)
    provider = ("Dark and bright", "https://example.org/bright", "https://example.org/files", place)
    bright = Source(_table(place, "bright", 24, "dark", "MIT"), 2, *provider)
    plain = Source(_table(place, "plain", 12, None, "CC BY 4.0", None), 1)
    odd = Source(_table(place, "odd", 4, "dark", "MIT"), 1, "<b>odd</b>", "javascript:alert(1)")
    built = Index.create(place / "server", "palette")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NDSLIB_CACHE", str(place / "cache"))
        built.add_all([bright, plain, odd], mean_colour, config, size=8)
    return Index.open(built.place)


def _table(folder: Path, dataset: str, count: int, label: str | None, *licences: str | None) -> pa.Table:
    """A sample table of random 8 x 8 images of 100 bytes and more, under licences that take turns."""
    pixels = np.random.default_rng(list(dataset.encode())).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    np.save(folder / f"{dataset}.npy", pixels)
    return sample_table.from_rows(
        {
            "id": f"{dataset}/{row}",
            "dataset": dataset,
            "uri": f"{folder / dataset}.npy#row={row}",
            "split": "train",
            "label": label,
            "width": 8,
            "height": 8,
            "bytes": 100 + row,
            "licence": licences[row % len(licences)],
        }
        for row in range(count)
    )


@pytest.fixture(scope="module")
def url(index: Index) -> Iterator[str]:
    """The address of the service."""
    with running(index) as address:
        yield address


@pytest.fixture
def visit(chromium: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """A function that opens the page; at the end it has asked no other host, and nothing failed on the way."""
    asked, faults = [], []
    with ExitStack() as stack:

        def open_page(address: str = url, width: int = 1100, **options: object) -> Page:
            context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("requestfailed", lambda request: faults.append(request.url) if request.method == "GET" else None)
            page.on("response", lambda answer: faults.append(answer.url) if answer.status == 404 else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if _is_ours(message) else None)
            page.goto(address)
            return page

        yield open_page
        assert [each for each in asked if not each.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []
        assert faults == []


def _is_ours(message: ConsoleMessage) -> bool:
    """Whether an error stands on the console, other than Chromium's remark on every answer that refuses."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


def _file(scores: dict[str, object] = SCORES, **changes: object) -> str:
    return json.dumps({"format": "ndslib-scores-1", "scores": scores, **changes})


def _choose(page: Page, text: str, name: str = "scores.json") -> None:
    expect(page.locator("#content")).to_be_visible()
    page.set_input_files("#scores-file", {"name": name, "mimeType": "application/json", "buffer": text.encode()})


def _drop(page: Page, text: str) -> None:
    """What a browser tells the page when a file is dropped on it."""
    make = """text => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], "scores.json", { type: "application/json" }));
        return transfer;
    }"""
    expect(page.locator("#content")).to_be_visible()
    page.dispatch_event("#drop", "drop", {"dataTransfer": page.evaluate_handle(make, text)})


def _box(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=name)


def _ask(page: Page, budget: float = BUDGET) -> None:
    page.get_by_label("At most").fill(str(budget))
    page.get_by_role("button", name="Recommend images").click()


def _ask_with_scores(page: Page, budget: float = BUDGET) -> None:
    _choose(page, _file())
    expect(page.locator("#scores-status")).to_contain_text("4 of 4 experts scored")
    _ask(page, budget)
    expect(page.locator("#result")).to_be_visible()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, and see that the focus shows."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"no {selector} on the way of the Tab key")


def _rows(page: Page, table: str) -> list[list[str]]:
    """The texts of a table's cells, without its head."""
    rows = page.get_by_role("table", name=table).get_by_role("row").all()[1:]
    return [row.locator("th, td").all_inner_texts() for row in rows]


def _until_drawn(page: Page, pictures: str) -> None:
    """Wait until all of the pictures are there, which load as they come into sight."""
    page.locator(pictures).last.scroll_into_view_if_needed()
    drawn = "pictures => [...document.querySelectorAll(pictures)].every((each) => each.naturalWidth === 96)"
    page.wait_for_function(drawn, arg=pictures)


def _overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_it_shows_what_is_indexed(visit, url):
    page = visit()
    cards = page.get_by_role("region", name="The indexed datasets").get_by_role("listitem")
    expect(cards).to_have_count(3)
    expect(cards.nth(0)).to_contain_text("24 images, 2.68 kB, 2 experts")
    expect(cards.nth(0).get_by_role("link", name="Dark and bright")).to_have_attribute(
        "href", "https://example.org/bright"
    )
    expect(cards.nth(0)).to_contain_text("classes")
    expect(cards.nth(0)).to_contain_text("MIT")
    expect(cards.nth(0)).to_contain_text("Listed aslinks")
    expect(cards.nth(1)).to_contain_text("Listed aspaths on the server's machine")
    expect(cards.nth(1)).to_contain_text("no labels")
    expect(cards.nth(1)).to_contain_text("licence not stated (6), CC BY 4.0 (6)")
    assert cards.locator("img").count() == 12 + 9 + 4
    _until_drawn(page, "#datasets img")
    expect(page.get_by_role("contentinfo")).to_contain_text("palette")


def test_what_the_index_says_is_never_markup(visit):
    page = visit()
    odd = page.get_by_role("listitem").filter(has_text="<b>odd</b>")
    expect(odd).to_be_visible()
    expect(odd.get_by_role("link")).to_have_count(0)
    assert page.locator("#content b").count() == 0


def test_the_command_that_rates_is_copied(visit, url):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"ndslib rate {url} DATA_DIR --out scores.json"


def test_without_a_clipboard_the_command_is_selected(visit, url):
    page = visit()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); }")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("press Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == f"ndslib rate {url} DATA_DIR --out scores.json"


def test_a_dropped_file_gives_the_answer_of_the_api(visit, url):
    page = visit()
    _drop(page, _file())
    expect(page.locator("#scores-status")).to_have_text("Read from scores.json: 4 of 4 experts scored.")
    _ask(page)
    expect(page.get_by_role("heading", name="Recommended for you")).to_be_focused()
    answer = httpx.post(f"{url}/v1/summaries", json=REQUEST).json()
    assert _clusters(page) == [
        (
            each["cluster"],
            f"{each['weight']:.3f}" if each["weight"] > 0.0005 else "< 0.001",
            f"{each['score']:.3f}",
            f"{each['selected']} of {each['images']}",
        )
        for each in answer["clusters"]
    ]
    images = {title: images for title, _, images, _ in _rows(page, "The selection by dataset")}
    assert images == {each["title"]: str(each["images"]) for each in answer["datasets"]}
    assert sum(map(int, images.values())) == BUDGET


def _clusters(page: Page) -> list[tuple[str, str, str, str]]:
    """Of each row: cluster, weight, score, selected."""
    rows = _rows(page, "The clusters, best first")
    return [
        (name.split()[1], weight.strip(), score, selected.splitlines()[0]) for name, weight, score, selected, _ in rows
    ]


def test_bars_are_as_long_as_the_weights(visit, url):
    page = visit()
    _ask_with_scores(page)
    shares = page.locator("#clusters .bar").evaluate_all(
        "bars => bars.map((bar) => bar.firstChild.getBoundingClientRect().width / bar.getBoundingClientRect().width)"
    )
    weights = [each["weight"] for each in httpx.post(f"{url}/v1/summaries", json=REQUEST).json()["clusters"]]
    assert shares == pytest.approx([weight / weights[0] for weight in weights], abs=0.01)


def test_each_cluster_has_up_to_nine_pictures(visit):
    page = visit()
    _ask_with_scores(page)
    rows = page.locator("#clusters tbody tr")
    assert [rows.nth(row).locator("img").count() for row in range(4)] == [9, 9, 9, 4]
    _until_drawn(page, "#clusters img")
    expect(page.get_by_role("img", name="Example images of bright/0")).to_be_visible()


def test_the_downloaded_list_is_that_of_the_api(visit, url):
    page = visit()
    _ask_with_scores(page)
    for form in ("parquet", "csv", "jsonl"):
        page.get_by_label("Format").select_option(form)
        with page.expect_download() as started:
            page.get_by_role("button", name="Download the list").click()
        wanted = httpx.post(f"{url}/v1/recommendations", json={**REQUEST, "format": form}).content
        assert started.value.suggested_filename == f"picks.{form}"
        assert Path(started.value.path()).read_bytes() == wanted
        expect(page.locator("#download-status")).to_contain_text(f"Saved picks.{form}")


def test_scores_and_choices_entered_by_hand_are_what_is_sent(visit):
    page = visit()
    for expert, score in SCORES.items():
        page.get_by_label(expert).fill(str(score))
    page.get_by_label("Unit of the budget").select_option("MB")
    _box(page, "<b>odd</b>").uncheck()
    _box(page, "licence not stated").uncheck()
    page.get_by_text("More settings").click()
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Scores are").select_option("none")
    with page.expect_request("**/v1/summaries") as sent:
        _ask(page, 0.002)
    assert sent.value.post_data_json == {
        "scores": SCORES,
        "bytes": 2000,
        "datasets": ["bright", "plain"],
        "licences": ["MIT", "CC BY 4.0"],
        "seed": 7,
        "temperature": 0.5,
        "normalisation": "none",
    }
    expect(page.locator("#result")).to_be_visible()
    with page.expect_request("**/v1/recommendations") as listed:
        page.get_by_role("button", name="Download the list").click()
    assert listed.value.post_data_json == {**sent.value.post_data_json, "format": "parquet", "annotations": False}


def test_another_unit_keeps_the_budget(visit):
    page = visit()
    page.get_by_label("At most").fill("20")
    page.get_by_label("Unit of the budget").select_option("MB")
    megabytes = float(page.get_by_label("At most").input_value())
    assert 0.002 < megabytes < 0.0025  # of images of 100 to 123 bytes
    page.get_by_label("Unit of the budget").select_option("images")
    expect(page.get_by_label("At most")).to_have_value("20")


def test_a_changed_request_marks_the_answer_as_old(visit):
    page = visit()
    _ask_with_scores(page)
    expect(page.locator("#stale")).to_be_empty()
    page.get_by_label("At most").fill("5")
    expect(page.locator("#stale")).to_contain_text("changed")
    with page.expect_request("**/v1/recommendations") as listed:
        page.get_by_role("button", name="Download the list").click()
    assert listed.value.post_data_json["images"] == BUDGET  # of the answer that is shown
    assert listed.value.response().ok  # a slow machine is not asked again before it has answered
    _ask(page, 5)
    expect(page.locator("#stale")).to_be_empty()


def test_the_whole_flow_works_by_keyboard(visit, tmp_path):
    (tmp_path / "scores.json").write_text(_file())
    page = visit()
    page.on("filechooser", lambda chooser: chooser.set_files(tmp_path / "scores.json"))
    expect(page.locator("#content")).to_be_visible()
    _tab_to(page, ".skip")
    page.keyboard.press("Enter")
    _tab_to(page, "#copy")
    _tab_to(page, "#scores-file")
    page.keyboard.press("Enter")
    expect(page.locator("#scores-status")).to_contain_text("4 of 4")
    _tab_to(page, "#score-fields input")
    page.keyboard.type("0.95")
    _tab_to(page, "#budget")
    page.keyboard.type("10")
    _tab_to(page, "#filters input")
    page.keyboard.press("Space")
    _tab_to(page, "#recommend")
    page.keyboard.press("Enter")
    expect(page.locator("#result-facts")).to_contain_text("10")
    _tab_to(page, "#format")
    page.keyboard.type("CSV")
    _tab_to(page, "#download button")
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    rows = Path(started.value.path()).read_text().splitlines()[1:]
    assert len(rows) == 10
    assert not any(row.startswith('"bright/') for row in rows)  # whose filter was unticked


@pytest.mark.parametrize("width", [360, 700])
def test_a_narrow_window_needs_no_sideways_scrolling(visit, width):
    page = visit(width=width)
    expect(page.locator("#content")).to_be_visible()
    assert _overflow(page) == 0
    page.get_by_text("More settings").click()
    _choose(page, "x", "a-file-with-a-long-name-" * 8 + ".json")
    expect(page.locator("#scores-error")).to_contain_text("is not JSON")
    assert _overflow(page) == 0
    _ask_with_scores(page)
    assert _overflow(page) == 0
    assert len(_clusters(page)) == 4  # the table is still one to assistive technology


@pytest.mark.parametrize("width", [360, 1280])
def test_fifty_experts_of_twelve_datasets_are_still_usable(visit, url, width):
    names = [f"dataset_{number:02d}" for number in range(12)]
    owners = [names[number % 12] for number in range(50)]
    ids = [f"{owner}/{number}" for number, owner in enumerate(owners)]
    about, datasets, experts = (httpx.get(f"{url}/v1/{part}").json() for part in ("index", "datasets", "experts"))
    dataset, expert = datasets["datasets"][0], experts["experts"][0]
    many = {
        "index": {**about, "datasets": 12, "experts": 50},
        "datasets": {"datasets": [{**dataset, "name": name, "title": name} for name in names]},
        "experts": {
            "experts": [{**expert, "id": each, "dataset": owner} for each, owner in zip(ids, owners, strict=True)]
        },
        "summaries": {
            "clusters": [
                {
                    "cluster": each,
                    "dataset": owner,
                    "score": 0.5,
                    "weight": 0.02,
                    "selected": 1,
                    "images": 9,
                    "bytes": 9,
                }
                for each, owner in zip(ids, owners, strict=True)
            ],
            "datasets": [{"dataset": name, "title": name, "images": 5, "bytes": 45} for name in names],
            "images": 50,
            "bytes": 450,
        },
    }

    def answer(route: Route) -> None:
        route.fulfill(json=many[route.request.url.rpartition("/")[2]])

    page = visit("about:blank", width=width)
    for part in many:
        page.route(f"{url}/v1/{part}", answer)
    page.goto(url)
    expect(page.locator("#datasets > li")).to_have_count(12)
    expect(page.get_by_label(ids[0], exact=True)).not_to_be_visible()  # folded away until asked for
    _choose(page, _file({each: 0.5 for each in ids}))
    expect(page.locator("#scores-status")).to_contain_text("50 of 50")
    page.get_by_text("Enter or change scores by hand").click()
    expect(page.get_by_label(ids[49], exact=True)).to_have_value("0.5")
    _ask(page)
    rows = page.locator("#clusters tbody tr:visible")
    expect(rows).to_have_count(12)
    page.get_by_role("button", name="Show all 50 clusters").click()
    expect(rows).to_have_count(50)
    assert _overflow(page) == 0


FAULTY = (
    ("scores: 1", "it is not JSON"),
    (_file(format="other-2"), 'its format is "other-2", but this page reads “ndslib-scores-1”'),
    ("[1, 2]", "its format is not stated"),
    (_file(scores=[0.1]), "it has no list of scores by expert"),
    (_file({"bright/0": 0.5, "odd/0": 0.5}), "it has no score for bright/1, plain/0:"),
    (_file({**SCORES, "coco/0": 0.5}), "this server has no expert coco/0:"),
    (_file({**SCORES, "plain/0": "0.5"}), 'the score of plain/0 is "0.5"'),
    (_file({**SCORES, "plain/0": 1.5}), "the score of plain/0 is 1.5"),
    (_file({**SCORES, "x" * 200_000: 0.5}), "200 kB is too much for scores"),
)


def test_a_faulty_scores_file_is_explained_and_changes_nothing(visit):
    page = visit()
    page.get_by_label("plain/0").fill("0.25")
    for text, reason in FAULTY:
        _choose(page, text)
        expect(page.locator("#scores-error")).to_contain_text(f"scores.json: {reason}")
        expect(page.get_by_label("plain/0")).to_have_value("0.25")
    _choose(page, _file())
    expect(page.locator("#scores-error")).to_be_empty()
    expect(page.get_by_label("plain/0")).to_have_value("0.3")


def test_all_that_is_wrong_is_said_beside_it(visit):
    page = visit()
    expect(page.locator("#content")).to_be_visible()
    for name in ("classes", "no labels"):
        _box(page, name).uncheck()
    page.get_by_text("More settings").click()
    page.get_by_label("Temperature").fill("0")
    _ask(page, 1.5)
    expect(page.locator("#scores-error")).to_contain_text("No scores yet")
    expect(page.locator("#scores-file")).to_be_focused()
    expect(page.locator("#budget-error")).to_contain_text("whole number of images from 1 to 40")
    expect(page.get_by_label("At most")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#filters-error")).to_contain_text("Labels: tick one at least")
    expect(page.locator("#tuning-error")).to_contain_text("above 0")
    expect(page.locator("#result")).not_to_be_visible()


def test_a_missing_score_is_named_and_gets_the_focus(visit):
    page = visit()
    page.get_by_label("bright/0").fill("0.5")
    page.get_by_label("odd/0").fill("1.5")
    page.get_by_text("Enter or change scores by hand").click()  # folded away
    _ask(page)
    expect(page.locator("#scores-error")).to_have_text("A score from 0 to 1 is wanted for bright/1, plain/0, odd/0.")
    expect(page.get_by_label("bright/1")).to_be_focused()


def test_the_servers_reasons_stand_beside_their_cause(visit):
    page = visit()
    _choose(page, _file())
    _box(page, "Dark and bright").uncheck()
    _ask(page, 30)
    expect(page.locator("#budget-error")).to_contain_text("16")  # images that pass
    expect(page.get_by_label("At most")).to_be_focused()
    _box(page, "<b>odd</b>").uncheck()
    _box(page, "no labels").uncheck()
    _ask(page, 3)
    expect(page.locator("#filters-error")).to_contain_text("no image of the index passes the filters")
    expect(page.locator("#budget-error")).to_be_empty()


def test_a_token_is_asked_for_and_sent(visit, index):
    with running(index, token="secret") as address:
        page = visit(address)
        page.get_by_role("textbox", name="Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_text("The server refused this token.")).to_be_visible()
        page.get_by_role("textbox", name="Token").fill("secret")
        page.get_by_role("button", name="Use the token").click()
        expect(page.get_by_text("NDSLIB_TOKEN")).to_be_visible()
        _until_drawn(page, "#datasets img")
        _ask_with_scores(page)
        with page.expect_download() as started:
            page.get_by_role("button", name="Download the list").click()
        assert Path(started.value.path()).read_bytes()[:4] == b"PAR1"
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_without_the_token_the_page_says_so_and_can_try_again(visit, index):
    with running(index, token="secret") as address:
        page = visit(address)
        expect(page.get_by_role("textbox", name="Token")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#load-error")).to_contain_text("answers only with a token")
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("textbox", name="Token").fill("secret")
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_visible()


def test_a_server_that_has_gone_is_told_of(visit, index):
    with running(index) as address:
        page = visit(address)
        _ask_with_scores(page)
    page.get_by_role("button", name="Download the list").click()
    expect(page.locator("#download-error")).to_contain_text("The server does not answer")
    expect(page.locator("#download-error")).to_contain_text("Nothing was saved.")
    _ask(page)
    expect(page.locator("#request-error")).to_contain_text("The server does not answer")


def test_a_list_that_breaks_off_is_not_saved(visit):
    page = visit()
    _ask_with_scores(page)
    page.evaluate(
        """() => {
            window.fetch = async () => new Response(new ReadableStream({
                start(stream) { stream.enqueue(new Uint8Array(9)); },
                pull(stream) { stream.error(new TypeError("network error")); },
            }), { headers: { "X-Images": "20" } });
        }"""
    )
    saved = []
    page.on("download", lambda started: saved.append(started.suggested_filename))
    page.get_by_role("button", name="Download the list").click()
    expect(page.locator("#download-error")).to_contain_text("broke before the list was whole")
    expect(page.locator("#download-progress")).not_to_be_visible()
    assert saved == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit, scheme):
    page = visit(color_scheme=scheme)
    _choose(page, "x")
    expect(page.locator("#scores-error")).to_contain_text("is not JSON")
    for selector in (".lead", "#budget-hint", ".card p", ".card a", "#scores-error", "#copy", "#recommend", ".step"):
        assert _contrast(page, selector) >= 4.5, selector  # of WCAG 2.2, criterion 1.4.3


def _contrast(page: Page, selector: str) -> float:
    """The contrast ratio of WCAG 2.2 of an element's text and what is behind it."""
    colours = page.locator(selector).first.evaluate(
        """element => {
            const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
            let behind = element;
            while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
            return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(numbers);
        }"""
    )
    low, high = sorted(_luminance(colour[:3]) for colour in colours)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: list[float]) -> float:
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 if part > 10 else part / 255 / 12.92 for part in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_control_has_a_name(visit):
    page = visit()
    _ask_with_scores(page)
    nameless = page.locator("input, select, button, progress").evaluate_all(
        "controls => controls.filter((each) => !each.labels?.length && !each.ariaLabel && !each.textContent.trim())"
        ".map((each) => each.id)"
    )
    assert nameless == []

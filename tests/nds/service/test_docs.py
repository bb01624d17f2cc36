"""The API's description: the service keeps to it whatever it is asked, and its page works without another host."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ndslib.core import browser
from ndslib.core.errors import InputError

OPERATIONS = {
    "/v1/index": "get",
    "/v1/datasets": "get",
    "/v1/experts": "get",
    "/v1/experts/{dataset}/{cluster}/weights": "get",
    "/v1/thumbnails/{dataset}/{cluster}/{number}.webp": "get",
    "/v1/recommendations": "post",
    "/v1/summaries": "post",
    "/health": "get",
    "/metrics": "get",
}
ASKING = [path for path, method in OPERATIONS.items() if "{" in path or method == "post"]  # what can be asked wrongly
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
EVERY = [*((path, RIGHT) for path in OPERATIONS), *((path, WRONG) for path in ASKING)]


@pytest.fixture(scope="module")
def api(client) -> dict:
    """The description."""
    return client.get("/openapi.json").json()


def test_every_operation_is_described(api):
    assert {path: "".join(operations) for path, operations in api["paths"].items()} == OPERATIONS
    for path, method in OPERATIONS.items():
        operation = api["paths"][path][method]
        assert operation["summary"]
        assert operation["tags"][0] in {tag["name"] for tag in api["tags"]}
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if status[0] in "45":
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Refusal"}


def test_requests_are_described_for_this_very_index(api, client, index):
    for path, name in (("/v1/recommendations", "RecommendationRequest"), ("/v1/summaries", "SummaryRequest")):
        schema = api["components"]["schemas"][name]
        assert schema["properties"]["scores"]["propertyNames"] == {"enum": index.cluster_names}
        assert schema["properties"]["images"]["anyOf"][0]["maximum"] == 612
        assert schema["properties"]["licences"]["anyOf"][0]["items"] == {"enum": ["CC BY 4.0", None]}
        assert all("description" in each for each in schema["properties"].values())
        assert client.post(path, json=schema["example"]).status_code == 200


def test_a_token_is_described_and_keeps_the_index_to_itself(client_of, index):
    answer = client_of(token="s3cret").get("/openapi.json")
    told = [index.name, "first/0", index.datasets[1].name, "CC BY 4.0", "612", str(index.cluster_bytes.sum())]
    assert [text for text in told if text in answer.text] == []
    api = answer.json()
    for path, method in OPERATIONS.items():
        assert ("401" in api["paths"][path][method]["responses"]) == path.startswith("/v1/")
        assert api["paths"][path][method].get("security") == ([{"token": []}] if path.startswith("/v1/") else None)


@pytest.mark.parametrize(("path", "mode"), EVERY)
def test_the_service_keeps_to_its_description(client, path, mode):
    """No status 5xx, and statuses, types and bodies as described; wrong requests refused, other methods too.

    That every right request is accepted cannot be described: filters may leave nothing to draw from together.
    """
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")

    @given(schema[path][OPERATIONS[path]].as_strategy(generation_mode=mode))
    @settings(max_examples=30, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()


@pytest.mark.parametrize(
    ("token", "status", "told"),
    [(None, "200", '"clusters"'), ("s3cret", "422", "give a budget: either images or byte")],
)
def test_the_page_works_without_another_host(client_of, token, status, told):
    """With a token the description has no example of this index: the one that it makes up is refused by the API."""
    try:
        browser.chromium()
    except InputError as error:
        pytest.skip(str(error))
    client = client_of(token=token)
    url, said, asked = str(client.base_url), [], []
    with browser.browser() as chromium:
        page = chromium.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/docs")
        if token:
            page.get_by_role("button", name="Authorize").click()
            page.get_by_role("textbox").fill(token)
            page.locator(".auth-btn-wrapper").get_by_role("button", name="Authorize").click()
            page.get_by_role("button", name="Close").click()
        page.locator(".opblock").first.wait_for()
        assert page.locator(".opblock").count() == len(OPERATIONS)
        operation = page.locator(".opblock", has_text="/v1/summaries")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table .response").first
        answer.wait_for()
        assert answer.locator(".response-col_status").inner_text().strip() == status
        assert told in answer.inner_text()
    assert not [text for text in said if f"{status} " not in text], "of an answer that refuses, Chromium says so itself"
    assert {address[: len(url)] for address in asked} == {url}

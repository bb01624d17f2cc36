"""The API's answers, its lists in every format, and what it refuses."""

import io
import json
import shutil
import sqlite3
from urllib.parse import unquote

import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest
from PIL import Image

import ndslib
from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.nds.index import Index
from ndslib.nds.recommend import recommend
from ndslib.nds.service import create_app, lists, running
from ndslib.nds.service.telemetry import JsonLines
from ndslib.nds.store import IndexDamaged

LISTS, SUMMARIES = "/v1/recommendations", "/v1/summaries"


def test_the_index(client, index):
    assert client.get("/v1/index").json() == {
        "name": "an index",
        "version": ndslib.__version__,
        "datasets": 2,
        "experts": 3,
        "images": 612,
        "bytes": int(index.cluster_bytes.sum()),
        "limits": {"images": 612, "request_bytes": 2**16 + 3 * 2**9},
    }


def test_the_datasets(client, index):
    first, odd = client.get("/v1/datasets").json()["datasets"]
    assert (first["name"], first["title"], first["experts"], first["images"]) == ("first", "First", 2, 12)
    assert odd["link"] == "https://example.org"
    assert [each["listed_as"] for each in (first, odd)] == ["paths", "paths"]
    assert odd["bytes"] == index.datasets[1].cluster_bytes[0]
    assert odd["licences"] == [{"licence": "CC BY 4.0", "images": 400}, {"licence": None, "images": 200}]
    assert {each["labels"]: each["images"] for each in odd["labels"]} == {"class": 360, "boxes": 120, "none": 120}
    assert len(first["thumbnails"]) == 12 == sum(index.datasets[0].thumbnails), "of both clusters"
    assert [path.split("/")[4] for path in first["thumbnails"][:4]] == ["0", "1", "0", "1"], "in turn"


def test_the_experts(client, index):
    experts = client.get("/v1/experts").json()["experts"]
    assert [expert["id"] for expert in experts] == index.cluster_names
    for expert, path, size in zip(experts, index.expert_paths(), index.cluster_sizes, strict=True):
        assert (expert["task"], expert["size"], expert["images"]) == ("rotation", 8, size)
        assert expert["id"] == f"{expert['dataset']}/{expert['cluster']}"
        answer = client.get(expert["weights"])
        assert answer.content == path.read_bytes()
        assert len(answer.content) == expert["bytes"]
        assert answer.headers["etag"] == f'"{expert["sha256"]}"' == f'"{sha256_file(path)}"'


def test_every_thumbnail_is_a_picture(client):
    answers = client.get("/v1/experts").json()["experts"] + client.get("/v1/datasets").json()["datasets"]
    for path in {path for answer in answers for path in answer["thumbnails"]}:
        answer = client.get(path)
        assert answer.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.content)).size == (96, 96)


def as_table(answer) -> pa.Table:
    """A list in any format; text where the format does not say."""
    content, form = io.BytesIO(answer.content), answer.headers["content-type"]
    if "parquet" in form:
        return pq.read_table(content)
    if "jsonl" in form:
        return pyarrow.json.read_json(content)
    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    return pyarrow.csv.read_csv(content, convert_options=options)


@pytest.mark.parametrize("annotations", [False, True])
@pytest.mark.parametrize("block", [lists.BLOCK, 50])
def test_the_formats_hold_the_same_list(client, index, scores, monkeypatch, annotations, block):
    monkeypatch.setattr(lists, "BLOCK", block)
    body = {"scores": scores, "images": 500, "seed": 3, "annotations": annotations}
    expected = recommend(index, scores, budget=500, seed=3).samples
    expected = expected if annotations else expected.drop_columns("annotation")
    for form, media_type in (
        ("csv", "text/csv; charset=utf-8"),
        ("jsonl", "application/jsonl"),
        ("parquet", "application/vnd.apache.parquet"),
    ):
        answer = client.post(LISTS, json=body | {"format": form})
        assert answer.headers["content-type"] == media_type
        assert answer.headers["content-disposition"] == f'attachment; filename="picks.{form}"'
        assert answer.headers["x-images"] == "500"
        found = as_table(answer)
        assert found.column_names == expected.column_names
        assert found.to_pylist() == expected.to_pylist()
        assert client.post(LISTS, json=body | {"format": form}).content == answer.content, "the same bytes again"
        assert client.post(LISTS, json=body | {"format": form, "seed": 4}).content != answer.content
    assert found.schema.equals(expected.schema), "Parquet keeps the types as well"


def test_lines_of_json_are_compact_and_tell_what_is_unknown(client, scores):
    lines = client.post(LISTS, json={"scores": scores, "images": 612, "format": "jsonl"}).text.splitlines()
    assert len(lines) == 612
    assert all('"label":' in line and '": ' not in line and "☃" in line for line in lines)
    assert sum(json.loads(line)["label"] is None for line in lines) == 123


def test_a_budget_in_bytes_and_filters(client, index, scores):
    wanted = {"datasets": [unquote(index.datasets[1].name)], "labels": ["boxes", "none"], "licences": [None]}
    body = {"scores": scores, "bytes": 5000, "temperature": 0.5, "normalisation": "none", **wanted}
    table = as_table(client.post(LISTS, json=body | {"format": "parquet"}))
    expected = recommend(index, scores, None, 5000, 0.5, "none", **wanted).samples.drop_columns("annotation")
    assert table.equals(expected)
    assert 0 < sum(table["bytes"].to_pylist()) <= 5000
    assert set(table["licence"].to_pylist()) == {None}


def test_a_summary(client, index, scores):
    summary = client.post(SUMMARIES, json={"scores": scores, "images": 300, "temperature": 1.0}).json()
    answer = recommend(index, scores, budget=300, temperature=1.0)
    assert summary["images"] == 300
    assert summary["bytes"] == sum(answer.samples["bytes"].to_pylist())
    pd.testing.assert_frame_equal(pd.DataFrame(summary["clusters"]), answer.clusters, check_dtype=False)
    pd.testing.assert_frame_equal(pd.DataFrame(summary["datasets"]), answer.datasets, check_dtype=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"images": None}, "either images or bytes"),
        ({"bytes": 5}, "either images or bytes"),
        ({"images": 0}, "images: Input should be greater than or equal to 1"),
        ({"images": 613}, "a list has at most 612 images"),
        ({"images": 10**400}, "images: "),
        ({"images": 2.5}, "images: Input should be a valid integer"),
        ({"images": True}, "images: "),
        ({"images": "5"}, "images: "),
        ({"images": None, "bytes": 10**9}, "bytes to draw from; lower the budget"),
        ({"images": None, "bytes": 1}, "smaller than row"),
        ({"scores": {}}, "scores: "),
        ({"scores": {"first/0": 0.5}}, "no score for 2 of 3 experts (first/1"),
        ({"scores": [0.1, 0.2, 0.3]}, "scores: Input should be a valid dictionary"),
        ({"temperature": 0}, "temperature: "),
        ({"temperature": -1}, "temperature: "),
        ({"normalisation": "zscore"}, "normalisation: Input should be 'minmax' or 'none'"),
        ({"seed": -1}, "seed: "),
        ({"seed": 2**60}, "seed: "),
        ({"datasets": []}, "datasets: "),
        ({"datasets": ["nothing"]}, "the index has no 'nothing'"),
        ({"labels": ["boxen"]}, "labels/0: "),
        ({"labels": ["masks"]}, "no image of the index passes the filters"),
        ({"licences": ["GPL"]}, "the index has no 'GPL'"),
        ({"datasets": ["first"], "images": 13}, "13 exceeds the 12"),
        ({"budget": 5}, "budget: Extra inputs are not permitted"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(client, scores, changes, named):
    for path in (LISTS, SUMMARIES):
        answer = client.post(path, json={"scores": scores, "images": 5} | changes)
        assert answer.status_code == 422
        assert named in answer.json()["detail"]


@pytest.mark.parametrize("score", ["NaN", "Infinity", "1e999", "1.01", "-0.01", '"0.5"', "true", "null"])
def test_scores_are_numbers_from_0_to_1(client, scores, score):
    body = json.dumps({"scores": scores, "images": 5}).replace("0.4", score)
    answer = client.post(LISTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("scores/first/0: Input should be")


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"", 422, "Field required"),
        (b'{"scores": ', 422, "not JSON: Expecting value at character 11"),
        (b"[1]", 422, "valid dictionary"),
        (b"[" * 60_000, 400, "parsing the body"),
        (b'"\xff"', 400, "parsing the body"),
    ],
)
def test_bodies_that_are_no_request(client, body, status, named):
    answer = client.post(LISTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert named in answer.json()["detail"]


def test_many_faults_are_not_all_named(client):
    answer = client.post(LISTS, json={"scores": {str(i): 2 for i in range(50)}, "images": 5})
    assert answer.json()["detail"].count(";") == 5
    assert answer.json()["detail"].endswith("and 45 more")


def test_a_summary_has_no_format(client, scores):
    answer = client.post(SUMMARIES, json={"scores": scores, "images": 5, "format": "csv"})
    assert answer.json() == {"detail": "format: Extra inputs are not permitted"}


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1",
        "/v1/index/",
        "/v2/index",
        "/v1/experts/nothing/0/weights",
        "/v1/experts/first/2/weights",
        "/v1/experts/first/-1/weights",
        "/v1/experts/first/one/weights",
        f"/v1/experts/first/{'9' * 5000}/weights",
        "/v1/experts/first/0",
        "/v1/thumbnails/first/0/99.webp",
        "/v1/thumbnails/first/5/0.webp",
        "/v1/thumbnails/nothing/0/0.webp",
        "/v1/thumbnails/first/0/0.png",
        "/v1/thumbnails/first/0/..%2f..%2f..%2fdataset.json",
        "/v1/thumbnails/..%2f..%2fdatasets%2ffirst/0/0.webp",
        "/v1/thumbnails/%2e%2e/0/0.webp",
        "/v1/experts/first/..%2f..%2fsamples.parquet/weights",
        "/v1/experts/%2fetc/0/weights",
        "/v1/thumbnails/first%00/0/0.webp",
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page/%2fetc%2fpasswd",
        "/page/",
        "/docs/swagger/..%2f..%2f__init__.py",
    ],
)
def test_what_there_is_not(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/index"), ("GET", LISTS), ("PUT", SUMMARIES), ("DELETE", "/health"), ("POST", "/")],
)
def test_methods_that_do_not_apply(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert answer.headers["allow"]


def test_a_list_has_no_more_images_than_the_service_allows(client_of, scores):
    client = client_of(most_images=10)
    assert client.get("/v1/index").json()["limits"]["images"] == 10
    assert client.post(LISTS, json={"scores": scores, "images": 10}).status_code == 200
    refused = [({"images": 11}, "at most 10"), ({"bytes": 1266, "datasets": ["first"]}, "more than 10 images")]
    refused += [({"bytes": 10**5}, "more than 10 images"), ({"bytes": 10**6}, "bytes to draw from; lower")]
    for budget, named in refused:
        answer = client.post(LISTS, json={"scores": scores} | budget)
        assert answer.status_code == 422
        assert named in answer.json()["detail"]


def test_a_budget_in_bytes_may_be_spent_on_images_larger_than_most(index, client_of):
    """Those of the second dataset are of 400 bytes on average, those of the first one of 106."""
    body = {"scores": dict.fromkeys(index.cluster_names, 0.5), "bytes": 5000, "datasets": [index.datasets[1].name]}
    asked = {"scores": body["scores"], "budget_bytes": 5000, "datasets": body["datasets"]}
    drawn = recommend(index, **asked).rows
    assert len(drawn) * index.cluster_bytes.sum() / index.size < 5000, "at the average size, more would fit"
    answer = client_of(most_images=len(drawn)).post(LISTS, json=body)
    assert answer.headers["x-images"] == str(len(drawn))
    assert recommend(index, **asked, most=len(drawn)).rows.tolist() == drawn.tolist(), "the bound changes no list"
    with pytest.raises(InputError, match=f"more than {len(drawn) - 1} images"):
        recommend(index, **asked, most=len(drawn) - 1)


def test_a_damaged_index_is_no_fault_of_the_client(index, client, scores, monkeypatch):
    def damaged(*_):
        raise InputError("samples.sqlite: not a database") from sqlite3.DatabaseError("not a database")

    monkeypatch.setattr(Index, "read", damaged)
    answer = client.post(LISTS, json={"scores": scores, "images": 5})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "the service failed; its log says where"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["connection"] == "close"


def test_what_cannot_be_served(index, tmp_path):
    with pytest.raises(InputError, match="the index is empty; add a dataset"):
        create_app(Index.create(tmp_path / "empty"))
    for options, named in (
        ({"most_images": 0}, "most_images = 0"),
        ({"token": ""}, "token: give"),
        ({"token": "two words"}, "token: give"),
        ({"embed_from": ("localhost",)}, "'localhost' is no origin"),
        ({"embed_from": ("https://a.org; script-src *",)}, "is no origin"),
    ):
        with pytest.raises(InputError, match=named):
            create_app(index, **options)


def test_an_absent_expert_is_named_at_the_start(index, monkeypatch):
    monkeypatch.setattr(type(index.datasets[0]), "expert_paths", lambda each: [each.folder / "experts" / "gone"])
    with pytest.raises(IndexDamaged, match=r"experts/gone: no such file; remove .*first and add"):
        create_app(index)


@pytest.fixture
def copied(index, tmp_path) -> Index:
    """A copy of the index, to be damaged."""
    shutil.copytree(index.place, tmp_path / "copy")
    return Index.open(tmp_path / "copy")


@pytest.mark.parametrize("name", ["samples.sqlite", "bytes.npy"])
def test_rows_that_cannot_be_served_are_named_at_the_start(copied, name):
    first, other = (dataset.folder / name for dataset in copied.datasets)
    whole = first.read_bytes()
    first.write_bytes(other.read_bytes())
    with pytest.raises(IndexDamaged, match=f"first/{name}: it has 600 rows but dataset.json says 12; remove .*first"):
        create_app(copied)
    for content in (whole[:100], b""):
        first.write_bytes(content)
        with pytest.raises(IndexDamaged, match=f"first/{name}: .*; remove .* add the dataset again"):
            create_app(copied)
    first.unlink()
    with pytest.raises(IndexDamaged, match=f"first/{name}: cannot be read"):
        create_app(copied)


def test_a_file_that_goes_while_it_is_served_is_told_to_the_operator(copied, scores, caplog):
    first = copied.datasets[0]
    ways = [
        ("GET", "/v1/experts/first/0/weights", first.expert_paths()[0]),
        ("GET", "/v1/thumbnails/first/0/0.webp", first.thumbnail(0, 0)),
        ("POST", LISTS, first.store_path),
        ("POST", SUMMARIES, first.folder / "bytes.npy"),
    ]
    body = {"scores": scores, "images": 12, "datasets": ["first"]}
    with running(copied) as url, httpx.Client(base_url=url, timeout=20) as client:
        for method, path, file in ways:
            assert client.request(method, path, json=body).status_code == 200
            file.unlink()
            caplog.clear()
            answer = client.request(method, path, json=body)
            assert answer.status_code == 503
            assert answer.json()["detail"].startswith("a file of the index is gone or damaged")
            (record,) = [record for record in caplog.records if record.exc_info]
            (error, *_) = json.loads(JsonLines().format(record))["errors"]
            assert error["type"] == "IndexDamaged"
            assert error["message"].startswith(f"{file}: ")

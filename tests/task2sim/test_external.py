"""A renderer of its own against the adapter: what it is told, what is taken from it, and all that it can do wrong."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.sim import Simulator
from ndslib.task2sim import external, scenes
from ndslib.task2sim.external import NAMES, ExternalSimulator

FIXED, VARIED = [0] * 8, [1] * 8
# Colours a picture by its numbers. The file `fault` says what goes wrong half way; `asked` collects the manifests.
RENDERER = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from PIL import Image

here, manifest, output = Path(sys.argv[0]).parent, Path(sys.argv[1]), Path(sys.argv[2])
fault = (here / "fault").read_text() if (here / "fault").exists() else ""
pictures = [json.loads(line) for line in manifest.read_text().splitlines()]
(here / "asked").mkdir(exist_ok=True)
(here / "asked" / f"{len(list((here / 'asked').iterdir()))}.json").write_text(json.dumps(pictures))
print(f"asked for {len(pictures)} pictures", flush=True)
for number, picture in enumerate(pictures):
    size, place = picture["size"], output / picture["file"]
    image = Image.new("RGB", (size, size), (picture["image"], ord(picture["class"][0]), int(255 * picture["mesh"])))
    if number == len(pictures) // 2:
        if fault == "exit":
            print("no memory for the mesh", file=sys.stderr)
            sys.exit(3)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGSEGV)
        if fault == "hang":
            child = subprocess.Popen(["sleep", "60"])
            (here / "child").write_text(str(child.pid))
            child.wait()
        if fault == "leave":
            child = subprocess.Popen(["sleep", "60"])
            (here / "child").write_text(str(child.pid))
        if fault == "stop":
            break
        if fault == "wide":
            image = image.resize((2 * size, size))
        if fault == "large":
            image = image.resize((2 * size, 2 * size))
        if fault in ("L", "RGBA"):
            image = image.convert(fault)
    image.save(place)
    if fault == "corrupt" and number == len(pictures) // 2:
        place.write_bytes(place.read_bytes()[:50])
    if fault == "extra":
        image.save(output / f"extra-{number}.png")
"""


@pytest.fixture
def renderer(tmp_path: Path) -> Path:
    folder = tmp_path / "a renderer; $(touch here)"  # a shell would stumble
    folder.mkdir()
    (folder / "render.py").write_text(RENDERER)
    return folder / "render.py"


@pytest.fixture
def simulator(renderer: Path) -> Callable[..., ExternalSimulator]:
    command = [sys.executable, str(renderer), "{manifest}", "{output}"]
    return lambda **options: ExternalSimulator(
        **{"command": command, "classes": ("mug", "chair"), "version": "Renderer 1.0", "size": 8} | options
    )


def rendered(simulator: ExternalSimulator, settings: list[int], *arguments: object, **options: object) -> torch.Tensor:
    return torch.cat([images for images, _ in simulator.generate(settings, *arguments, **options)])


def asked(renderer: Path) -> list[list[dict]]:
    """The pictures of each run of the renderer."""
    files = sorted((renderer.parent / "asked").glob("*.json"), key=lambda path: int(path.stem))
    return [json.loads(path.read_text()) for path in files]


def levels(*varied: str) -> dict[str, int]:
    return {name: int(name in varied) for name in NAMES}


def test_pictures_come_back_class_by_class(simulator, renderer):
    backend = simulator(batch_size=4)
    assert isinstance(backend, Simulator)
    batches = list(backend.generate(FIXED, [1, 0], 3, seed=5))
    assert [len(images) for images, _ in batches] == [4, 2]
    images, labels = (torch.cat(each) for each in zip(*batches, strict=True))
    assert images.dtype == torch.uint8
    assert images.shape == (6, 3, 8, 8)
    assert images.is_contiguous()
    assert labels.dtype == torch.int64
    assert labels.tolist() == [1, 1, 1, 0, 0, 0]
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2]  # the number of the picture in its class
    assert images[:, 1, 7, 7].tolist() == [ord("c")] * 3 + [ord("m")] * 3
    first = rng("sim", 5, "chair", 0, "mesh").random()
    assert images[0, 2, 0, 0] == int(255 * first)
    assert not (renderer.parent.parent / "here").exists()


def test_nothing_is_rendered_twice(simulator, renderer):
    small = rendered(simulator(), VARIED, [0], 2, seed=1)
    again = rendered(simulator(batch_size=1), VARIED, [0], 2, seed=1)
    larger = rendered(simulator(), VARIED, [0, 1], 3, seed=1)
    assert torch.equal(small, again)
    assert torch.equal(larger[:2], small)
    assert [[(each["class"], each["image"]) for each in run] for run in asked(renderer)] == [
        [("mug", 0), ("mug", 1)],
        [("mug", 2), ("chair", 0), ("chair", 1), ("chair", 2)],
    ]
    rendered(simulator(), VARIED, [0], 2, seed=2)
    rendered(simulator(), FIXED, [0], 2, seed=1)
    rendered(simulator(), VARIED, [0], 2, size=16, seed=1)
    rendered(simulator(version="Renderer 1.1"), VARIED, [0], 2, seed=1)
    assert [len(run) for run in asked(renderer)[2:]] == [2, 2, 2, 2]


def test_a_class_may_be_asked_for_twice(simulator, renderer):
    images = rendered(simulator(), FIXED, [0, 0], 2)
    assert torch.equal(images[:2], images[2:])
    assert len(asked(renderer)[0]) == 2


def test_two_at_once_render_once(simulator, renderer):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: rendered(simulator(), FIXED, [0], 3), range(2))
    assert torch.equal(first, second)
    assert len(asked(renderer)) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("exit", r"Renderer 1\.0 exited with status 3, and 2 of 4 .*no memory for the mesh"),
        ("killed", r"was killed by SIGSEGV, and 2 of 4 pictures"),
        ("stop", r"ended as if all were well, and 2 of 4 .*is missing.*render\.py.*asked for 4 pictures"),
        ("corrupt", r"1 of 4 pictures are not right \(.*cannot be decoded"),
        ("L", r"1 of 4 .*has the mode L; wanted 8-bit RGB"),
        ("RGBA", r"1 of 4 .*has the mode RGBA"),
        ("wide", r"1 of 4 .*has 16 x 8 pixels; wanted 8 x 8"),
        ("large", r"1 of 4 .*has 16 x 16 pixels; wanted 8 x 8"),
    ],
)
def test_what_goes_wrong_is_said_and_the_rest_is_kept(simulator, renderer, fault, message):
    (renderer.parent / "fault").write_text(fault)
    with pytest.raises(InputError, match=f"(?s){message}"):
        rendered(simulator(), FIXED, [0, 1], 2)
    (renderer.parent / "fault").unlink()
    images = rendered(simulator(), FIXED, [0, 1], 2)
    assert images[:, 0, 0, 0].tolist() == [0, 1, 0, 1]
    everything, rest = asked(renderer)
    right = 2 if fault in ("exit", "killed", "stop") else 3
    assert len(everything) == 4
    assert len(rest) == 4 - right
    assert all(each in everything for each in rest)


def test_a_renderer_that_hangs_is_killed_with_its_children(simulator, renderer):
    (renderer.parent / "fault").write_text("hang")
    with pytest.raises(InputError, match=r"made no picture for 2 s and was killed, and 1 of 2 pictures"):
        rendered(simulator(patience=2), FIXED, [0], 2)
    assert gone(int((renderer.parent / "child").read_text()))


def gone(process: int) -> bool:
    """Whether a process ends, now or as soon as it has noticed that it was killed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(process)
        for _ in range(100):
            if child.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
        return False
    return True


def test_what_a_renderer_leaves_running_ends_with_it(simulator, renderer):
    (renderer.parent / "fault").write_text("leave")
    assert len(rendered(simulator(), FIXED, [0], 2)) == 2
    assert gone(int((renderer.parent / "child").read_text()))


def test_an_interrupted_run_goes_on(simulator, renderer, monkeypatch):
    run = external._run

    def interrupted(*arguments: object) -> None:
        run(*arguments)
        raise KeyboardInterrupt

    (renderer.parent / "fault").write_text("stop")
    monkeypatch.setattr(external, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rendered(simulator(), FIXED, [0, 1], 3)
    monkeypatch.setattr(external, "_run", run)
    (renderer.parent / "fault").unlink()
    assert rendered(simulator(), FIXED, [0, 1], 3)[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2]
    assert [len(run) for run in asked(renderer)] == [6, 3]


def test_no_partial_file_and_no_working_folder_stay(simulator, renderer, tmp_path):
    (renderer.parent / "fault").write_text("extra")
    clean = rendered(simulator(), FIXED, [0], 2)
    assert clean[:, 0, 0, 0].tolist() == [0, 1]  # the extra pictures are in nobody's way
    store = Path(os.environ["NDSLIB_CACHE"]) / "external"
    files = sorted(path.name for path in store.rglob("*") if path.is_file())
    assert files == sorted(each["file"] for each in asked(renderer)[0])


def test_other_sizes_are_scaled_when_asked(simulator, renderer):
    (renderer.parent / "fault").write_text("large")
    assert rendered(simulator(resize=True), FIXED, [0], 2).shape == (2, 3, 8, 8)
    (renderer.parent / "fault").write_text("wide")
    with pytest.raises(InputError, match="16 x 8 pixels"):
        rendered(simulator(resize=True), FIXED, [1], 2)


def test_a_program_that_is_not_there(simulator):
    with pytest.raises(InputError, match=r"no-such-renderer.*No such file.*give its path"):
        rendered(simulator(command=["no-such-renderer", "{manifest}", "{output}"]), FIXED, [0], 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_that_the_program_cannot_vary_is_refused(simulator, renderer, name):
    backend = simulator(supports=[each for each in NAMES if each != name])
    settings = [int(each == name) for each in NAMES]
    with pytest.raises(InputError, match=f"Renderer 1.0 cannot vary {name}"):
        backend.generate(settings, [0], 1)  # at once, not when the first batch is taken
    assert not (renderer.parent / "asked").exists()
    others = [int(each != name) for each in NAMES]
    assert len(rendered(backend, others, [0], 1)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "render {manifest} {output}"}, "give a list"),
        ({"command": ["render", 3, "{manifest}", "{output}"]}, "give a list"),
        ({"command": ["render", "{manifest}"]}, r"has no \{output\}"),
        ({"command": ["render", "--out={output}"]}, r"has no \{manifest\}"),
        ({"classes": ()}, "at least one"),
        ({"classes": ("mug", "mug")}, "only once"),
        ({"supports": ("blur", "fog")}, r"\['fog'\]"),
        ({"size": 4}, "at least 8 pixels"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"patience": 0}, "patience 0"),
        ({"patience": float("nan")}, "patience nan"),
    ],
)
def test_a_backend_that_cannot_be(simulator, options, message):
    with pytest.raises(InputError, match=message):
        simulator(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0] * 7, [0], 1), "7 values"),
        (([2] + [0] * 7, [0], 1), "object_rotation is 2"),
        ((FIXED, [2], 1), "class id 2"),
        ((FIXED, [-1], 1), "class id -1"),
        ((FIXED, [0], 0), "images_per_class is 0"),
        ((FIXED, [0], 1.5), "images_per_class is 1.5"),
        ((FIXED, [0], 1, 7), "at least 8 pixels"),
    ],
)
def test_bad_requests(simulator, arguments, message):
    with pytest.raises(InputError, match=message):
        simulator().generate(*arguments)


def test_the_fingerprint_names_what_the_pictures_depend_on(simulator):
    base = simulator().fingerprint()
    assert simulator(batch_size=2, patience=5, supports=()).fingerprint() == base
    others = [{"version": "Renderer 2"}, {"classes": ("mug",)}, {"size": 16}, {"resize": True}]
    others += [{"command": ["render", "{manifest}", "{output}"]}]
    assert len({base, *(simulator(**options).fingerprint() for options in others)}) == 6


@pytest.mark.parametrize("name", NAMES)
def test_flipping_a_parameter_changes_only_its_own_key(name):
    others = [each for each in NAMES if each != name]
    for rest in ([], others):
        off = scenes.draw_picture(levels(*rest), "mug", 3, 64, 0)
        on = scenes.draw_picture(levels(name, *rest), "mug", 3, 64, 0)
        assert off[name] is None
        assert on[name] is not None
        assert {key for key in on if on[key] != off[key]} == {name, "file"}


def test_draws_are_the_authors(tmp_path):
    pictures = [scenes.draw_picture(levels(*NAMES), "mug", number, 64, 0) for number in range(400)]
    assert len({each["file"] for each in pictures}) == 400
    column = {name: [each[name] for each in pictures] for name in (*NAMES, "mesh")}
    quaternions = np.array(column["object_rotation"])
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm([each["direction"] for each in column["background"]], axis=1), 1)
    blurred = [each for each in column["blur"] if each["aperture"] is not None]
    assert 0.68 < len(blurred) / 400 < 0.82
    turns = [angle for each in column["light_direction"] for angle in each.values()]
    for values, low, high in (
        (column["object_distance"], 0.4, 1.5),
        (column["light_intensity"], -0.6, 0.6),
        (np.ravel(column["light_color"]), 0.05, 1),
        (turns, 0, 360),
        ([each["focus"] for each in column["blur"]], -1, 1),
        ([each["aperture"] for each in blurred], 0.5, 1.2),
        ([each["choice"] for each in column["background"]], 0, 1),
        (column["mesh"], 0, 1),
        (column["materials"], 0, 2**32 - 1),
    ):
        margin = 0.02 * (high - low)
        assert low <= min(values) < low + margin
        assert high - margin < max(values) <= high
    scenes.write_manifest(tmp_path / "manifest.jsonl", pictures)
    assert scenes.read_manifest(tmp_path / "manifest.jsonl") == pictures


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("{]", "line 1: not JSON"), ('{"file": "a.png"}', "line 1: no .*'blur'"), ("[]", "line 1: no")],
)
def test_manifests_that_are_none(tmp_path, text, message):
    (tmp_path / "manifest.jsonl").write_text(text)
    with pytest.raises(InputError, match=message):
        scenes.read_manifest(tmp_path / "manifest.jsonl")


def test_a_manifest_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        scenes.read_manifest(tmp_path / "none.jsonl")

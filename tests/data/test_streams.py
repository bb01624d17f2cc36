"""Streams: every frame for itself, things that come and go under one number, cameras, cuts, light, blur, and files."""

import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.worlds.cameras import CAMERAS
from ndslib.data.worlds.grounds import CLASSES, GROUNDS, LABELS, METRES, PLATES, props
from ndslib.data.worlds.shots import sunlight
from ndslib.data.worlds.streams import Frame, Stream, label_change
from ndslib.data.worlds.traffic import Row, Thing, things, wander

SMALL = (24, 40)
PRINT_DIGEST = """
import hashlib
from ndslib.data.worlds.shots import sunlight
from ndslib.data.worlds.streams import Stream
frame = Stream("ego", "park", seed=3, size=(24, 40), cuts=2, motion_blur=0.5).frame(1000)
print(hashlib.sha256(b"".join(array.tobytes() for array in frame[:3])).hexdigest())
"""


def same(first: Frame, second: Frame) -> bool:
    arrays = zip(first[:3], second[:3], strict=True)
    return all(np.array_equal(a, b) for a, b in arrays) and first.tracks == second.tracks


@pytest.mark.parametrize("scene", GROUNDS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_a_frame_is_the_same_alone_in_order_and_in_another_stream(camera: str, scene: str) -> None:
    stream = Stream(camera, scene, size=SMALL)
    in_order = list(stream.frames(500, 503))
    assert same(in_order[2], stream.frame(502))
    assert same(in_order[0], Stream(camera, scene, size=SMALL).frame(500))
    frame = in_order[0]
    assert (frame.image.shape, frame.image.dtype) == ((3, *SMALL), np.uint8)
    assert (frame.labels.shape, frame.labels.dtype) == (SMALL, np.uint8)
    assert (frame.instances.shape, frame.instances.dtype) == (SMALL, np.int32)
    assert np.ptp(frame.image) > 60


def test_a_frame_is_the_same_in_another_process() -> None:
    frame = Stream("ego", "park", seed=3, size=SMALL, cuts=2, motion_blur=0.5).frame(1000)
    here = hashlib.sha256(b"".join(array.tobytes() for array in frame[:3])).hexdigest()
    command = [sys.executable, "-c", PRINT_DIGEST]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.repo_root())
    assert there.stdout.strip() == here


def test_frames_without_an_end_start_anywhere() -> None:
    frames = Stream(size=SMALL).frames(10**9)
    assert not same(next(frames), next(frames))


def test_labels_instances_and_tracks_tell_the_same() -> None:
    frame = Stream("hand_held", size=(48, 80)).frame(160)
    assert np.array_equal(frame.labels > 0, frame.instances > 0)
    assert {track.number for track in frame.tracks} == set(np.unique(frame.instances)) - {0}
    assert len(frame.tracks) > 3
    for number, label, (x0, y0, x1, y1) in frame.tracks:
        y, x = np.nonzero(frame.instances == number)
        assert (x.min(), y.min(), x.max() + 1, y.max() + 1) == (x0, y0, x1, y1)
        assert set(frame.labels[y, x]) == {label}
        assert 1 <= label <= len(CLASSES)


def present(scene: str, t: float, high: float = 40.0) -> dict[int, Thing]:
    found = list(things(GROUNDS[scene].rows, ("test",), t, 0.0, high))
    numbers = {each.track: each for each in found}
    assert len(numbers) == len(found)
    return numbers


@pytest.mark.parametrize("scene", GROUNDS)
def test_things_keep_their_numbers_while_they_move_and_come_and_go(scene: str) -> None:
    before, soon, later = (present(scene, t) for t in (1000.0, 1000.04, 1600.0))
    both = before.keys() & soon.keys()
    assert len(both) > 0.9 * len(before)
    for number in both:
        old, new = before[number], soon[number]
        assert (old.kind, old.seed, old.moving) == (new.kind, new.seed, new.moving)
        assert np.hypot(new.x - old.x, new.z - old.z) < (1.0 if old.moving else 1e-9)
    left, came = before.keys() - later.keys(), later.keys() - before.keys()
    assert any(before[number].moving for number in left)
    assert any(later[number].moving for number in came)
    assert all(before[number].moving for number in left if 1 < before[number].z < 39)  # what stands stays


def test_things_face_the_way_they_move() -> None:
    (walker,) = (each for each in things([Row(("person",), 2.0, 30.0, speed=-1.0)], ("test",), 31.0, -10.0, 5.0))
    assert abs(walker.heading) == pytest.approx(180)
    assert abs(walker.lean) < 5


def test_a_rider_moves_with_its_bicycle() -> None:
    rows = [Row(("bicycle",), 0.0, 20.0, speed=4.0)]
    pairs = {number: list(things(rows, ("test",), t, 0.0, 20.0)) for number, t in enumerate((50.0, 51.0))}
    for bicycle, rider in (pair[:2] for pair in pairs.values()):
        assert (bicycle.kind, rider.kind) == ("bicycle", "person")
        assert (bicycle.x, bicycle.z) == (rider.x, rider.z)
        assert rider.y > bicycle.y


def test_wandering_is_smooth_and_bounded() -> None:
    values = np.array([wander(("test",), t, 10.0, 3) for t in np.arange(0, 200, 0.1)])
    assert np.abs(values).max() <= 1
    assert np.ptp(values, axis=0).min() > 0.8
    assert np.abs(np.diff(values, axis=0)).max() < 0.12


def test_cuts_change_the_picture_and_viewpoints_come_back() -> None:
    stream = Stream(seed=1, size=SMALL, cuts=4, fps=10)
    shots = [stream.shot(t / 10) for t in range(2000)]
    cuts = np.flatnonzero(np.diff(shots))
    assert set(np.diff(shots)) == {0, 1}
    assert 40 <= len(cuts) <= 60
    assert np.diff(cuts).min() > 10
    first, second, third = (stream.frame(int(t)).image.astype(int) for t in cuts[0] + [-1, 0, 1])
    assert np.abs(third - second).mean() > 3 * np.abs(second - first).mean()
    uncut = Stream(seed=1, size=SMALL, fps=10)
    assert {uncut.shot(t) for t in range(0, 10**6, 10**5)} == {0}


def test_a_fixed_camera_changes_fewer_labels_than_a_moving_one() -> None:
    fixed, ego = (label_change(Stream(camera, "park", size=SMALL), 100, 106) for camera in ("fixed", "ego"))
    assert 0 < fixed < ego < 0.2


def test_label_change_counts_pixels() -> None:
    class Still:
        def frames(self, first: int, last: int) -> list[Frame]:
            labels = np.zeros((last, 2, 2), np.uint8)
            labels[1:, 0, 0] = 3
            return [Frame(each, each, each, ()) for each in labels]

    assert label_change(Still(), 0, 3) == pytest.approx(1 / 8)


def test_motion_blur_softens_what_moves_and_keeps_the_masks() -> None:
    sharp, blurred = (Stream("ego", "park", size=(32, 48), fps=5, motion_blur=share) for share in (0, 1))
    first, second = sharp.frame(20), blurred.frame(20)
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.instances, second.instances)
    edges = [np.abs(np.diff(frame.image.astype(int), axis=2)).mean() for frame in (first, second)]
    assert edges[1] < 0.9 * edges[0]


def test_light_drifts_slowly() -> None:
    lights = [sunlight(("test",), t, 1.0) for t in np.arange(0, 900, 0.2)]
    strength = np.array([light["light_intensity"] for light in lights])
    direction = np.array([light["light_direction"] for light in lights])
    assert np.ptp(strength) > 0.3
    assert np.abs(np.diff(strength)).max() < 0.05
    assert np.ptp(direction, axis=0).max() > 0.3
    assert np.linalg.norm(np.diff(direction, axis=0), axis=1).max() < 0.01
    assert direction[:, 1].min() > 0.1  # the sun never sets
    assert len({str(sunlight(("test",), t, 0.0)) for t in range(0, 900, 100)}) == 1


def test_drift_shows_in_the_picture() -> None:
    steady, drifting = (Stream("fixed", "savanna", size=(16, 24), fps=1, drift=drift) for drift in (0, 3))
    change = [np.abs(drifting.frame(t).image.astype(int) - steady.frame(t).image).mean() for t in range(0, 600, 100)]
    assert max(change) > 10


def test_parts_and_seeds_show_different_worlds() -> None:
    frames = [
        Stream(size=SMALL, part=part, seed=seed).frame(0) for part, seed in (("train", 0), ("val", 0), ("train", 1))
    ]
    assert all(np.abs(frames[0].image.astype(int) - other.image).mean() > 10 for other in frames[1:])


def test_parts_share_no_mesh() -> None:
    def meshes(part: str) -> set[bytes]:
        return {mesh.vertices.tobytes() for name in ("person", "dog", "tree") for mesh in props(part).meshes(name)}

    assert not meshes("train") & meshes("test")


def test_every_row_shows_known_things_of_a_known_size() -> None:
    for ground in GROUNDS.values():
        assert {kind for row in ground.rows for kind in row.kinds} <= METRES.keys() | PLATES.keys()
        assert ground.rows[ground.ride].speed
    assert LABELS.keys() <= METRES.keys()


def test_rendered_frames_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream("panning", "farm", size=(16, 16))
    folder = stream.render(5, 8, workers=1)
    for name, wanted in zip(("images", "labels", "instances"), stream.frame(6), strict=False):
        assert np.array_equal(np.load(folder / f"{name}.npy", mmap_mode="r")[1], wanted)
    monkeypatch.setattr(Stream, "frames", None)
    assert stream.render(5, 8) == folder


def test_saved_films_play(tmp_path: Path) -> None:
    stream = Stream("ego", size=(16, 32), fps=10)
    stream.save(tmp_path / "film.gif", 0, 4)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.size, film.n_frames, film.info["duration"]) == ((32, 16), 4, 100)
    stream.save(tmp_path / "film.mp4", 0, 4)
    film = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    shown = film.read()[1][..., ::-1].astype(int)
    assert np.abs(shown - stream.frame(0).image.transpose(1, 2, 0)).mean() < 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.gif", "film.mp4"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"camera": "drone"}, "camera 'drone': choose one of fixed"),
        ({"scene": "moon"}, "scene 'moon': choose one of street"),
        ({"part": "all"}, "part 'all': choose one of train"),
        ({"size": (4, 40)}, "at least 8"),
        ({"size": (40,)}, "height, width"),
        ({"fps": 0}, "fps 0 must be positive"),
        ({"fps": float("nan")}, "fps nan"),
        ({"motion_blur": 2}, "motion_blur 2"),
        ({"cuts": -1}, "cuts -1"),
        ({"drift": -0.5}, "drift -0.5"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_settings_are_named(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Stream(**wrong)


def test_bad_frames_and_files_are_named(tmp_path: Path) -> None:
    stream = Stream(size=SMALL)
    with pytest.raises(InputError, match="frame -1"):
        stream.frame(-1)
    for call in (stream.render, lambda first, last: stream.save(tmp_path / "film.gif", first, last)):
        for first, last in ((3, 3), (-1, 2)):
            with pytest.raises(InputError, match=f"frames {first} to {last}"):
                call(first, last)
    with pytest.raises(InputError, match=r"\.mp4, \.gif"):
        stream.save(tmp_path / "film.avi", 0, 2)
    with pytest.raises(InputError, match="at least two frames"):
        label_change(stream, 0, 1)

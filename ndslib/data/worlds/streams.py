"""Endless video with exact masks: a camera in a place where things come and go.

Every frame follows from its number alone, so that frame t is had without those before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy import ndarray as Array
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.core.seeding import rng
from ndslib.data.sample_table import SPLITS
from ndslib.data.worlds.cameras import CAMERAS
from ndslib.data.worlds.grounds import CLASSES, GROUNDS, LABELS, props
from ndslib.data.worlds.shots import shoot, sunlight
from ndslib.data.worlds.store import Column, stored
from ndslib.data.worlds.traffic import Key, Thing
from ndslib.sim.library import Stage
from ndslib.sim.renderer import Render, render
from ndslib.sim.scene import Scene, batch

EXPOSURES = 5  # moments that a blurred frame averages; the masks show the middle one
VIEWPOINTS = 6  # places that a stream with cuts shows, again and again


class Track(NamedTuple):
    """Something in a frame: its number in the stream (as in `Frame.instances`), its class id (as in `Frame.labels`)
    and its box x0, y0, x1, y1 in pixels, with x1 and y1 one past the last."""

    number: int
    label: int
    box: tuple[int, int, int, int]


class Frame(NamedTuple):
    """A frame with its masks, those of the middle of its exposure.

    Attributes:
        image: uint8 [3, H, W], sRGB.
        labels: uint8 [H, W]; 0 is background, i + 1 is `CLASSES[i]`.
        instances: int32 [H, W]; 0 is background, else a number that the thing keeps from frame to frame, also when it
            is hidden for a while.
        tracks: the things in sight.
    """

    image: Array
    labels: Array
    instances: Array
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class Stream:
    """A video without end.

    Args:
        camera: a name of `CAMERAS`: fixed, panning, hand_held or ego.
        scene: a name of `GROUNDS`: street, park, farm, savanna or pitch.
        seed: of all that is drawn, from 0.
        size: (height, width) in pixels, at least 8 each.
        fps: frames a second.
        cuts: mean seconds from one cut to the next; 0 never cuts. A cut shows another one of a few viewpoints, to which
            later cuts return.
        drift: 0 (constant light) to 1 (the sun moves and clouds pass over minutes); more exaggerates.
        motion_blur: the share of the time between frames during which the shutter is open, 0 to 1.
        part: train, val or test; they share no mesh, nor any place.

    Raises:
        InputError: a value that is not among these.
    """

    camera: str = "fixed"
    scene: str = "street"
    seed: int = 0
    size: tuple[int, int] = (96, 160)
    fps: float = 25.0
    cuts: float = 0.0
    drift: float = 1.0
    motion_blur: float = 0.0
    part: str = "train"

    def __post_init__(self) -> None:
        for name, allowed in (("camera", tuple(CAMERAS)), ("scene", tuple(GROUNDS)), ("part", SPLITS)):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} {getattr(self, name)!r}: choose one of {', '.join(allowed)}")
        if len(self.size) != 2 or min(self.size) < 8:
            raise InputError(f"size {self.size}: give (height, width), both at least 8 pixels")
        if not self.fps > 0 or not 0 <= self.motion_blur <= 1:
            raise InputError(f"fps {self.fps} must be positive, motion_blur {self.motion_blur} from 0 to 1")
        if min(self.cuts, self.drift, self.seed) < 0:
            raise InputError(f"cuts {self.cuts}, drift {self.drift} and seed {self.seed} must not be negative")

    def frame(self, t: int) -> Frame:
        """Frame `t`, from 0.

        Raises:
            InputError: t is negative.
        """
        if t < 0:
            raise InputError(f"frame {t}: frames are counted from 0")
        exposures = EXPOSURES if self.motion_blur else 1
        open_at = self.motion_blur * ((np.arange(exposures) + 0.5) / exposures - 0.5)  # in frames, about t
        key, stage = self._world(t / self.fps), Stage(props(self.part))
        shots = [self._shot(key, stage, moment) for moment in (t + open_at) / self.fps]
        drawn = render(batch(stage.geometry(), [scene for _, scene in shots]), self.size, exposures)
        return _labelled(drawn, shots[exposures // 2][0])

    def frames(self, first: int = 0, last: int | None = None) -> Iterator[Frame]:
        """Frames `first` to `last` - 1, or without end; made one at a time."""
        t = first
        while last is None or t < last:
            yield self.frame(t)
            t += 1

    def render(self, first: int, last: int, workers: int | None = None) -> Path:
        """The folder with frames `first` to `last` - 1 in images.npy, labels.npy and instances.npy: uint8 [N, 3, H, W],
        uint8 [N, H, W] and int32 [N, H, W], drawn in parallel when they are not in the cache.

        Args:
            workers: as in `store.stored`.

        Raises:
            InputError: no frames, or a negative number.
        """
        _check_range(first, last)
        columns = {
            "images": Column("uint8", (3, *self.size)),
            "labels": Column("uint8", tuple(self.size)),
            "instances": Column("int32", tuple(self.size)),
        }
        parameters = asdict(self) | {"first": first}
        return stored("stream", parameters, columns, last - first, partial(_arrays, self, first), workers)

    def save(self, path: Path | str, first: int, last: int) -> None:
        """Write frames `first` to `last` - 1 as a video; the name's ending settles the format: .mp4 or .gif.

        Raises:
            InputError: no frames, a negative number, another ending, or no encoder for it.
        """
        _check_range(first, last)
        suffix = Path(path).suffix.lower()
        if suffix not in _WRITERS:
            raise InputError(f"{path}: name a file that ends in one of {', '.join(_WRITERS)}")
        pictures = (frame.image.transpose(1, 2, 0) for frame in self.frames(first, last))
        with atomic_path(path) as temporary:
            _WRITERS[suffix](temporary, pictures, self.fps)

    def shot(self, t: float) -> int:
        """The number of the shot at time `t` (seconds): how many cuts there have been."""
        if not self.cuts:
            return 0
        number = int(t / self.cuts + 0.5)  # the cut that is nearest in time, and has this number, is before or after t
        return number if t >= self._cut(number) else number - 1

    def _cut(self, number: int) -> float:
        """When shot `number` begins, seconds: shots are between 0.3 and 1.7 times as long as the mean."""
        jitter = rng("cut", self.seed, self.part, number).uniform(-0.35, 0.35) if number else 0.0
        return (number + jitter) * self.cuts

    def _world(self, t: float) -> Key:
        """Names the world in which the stream is at time `t`. Successive shots never show the same."""
        shot = self.shot(t)
        pick = rng("viewpoint", self.seed, self.part, shot).integers(VIEWPOINTS // 2)
        return (self.scene, self.part, self.seed, 2 * int(pick) + shot % 2)

    def _shot(self, key: Key, stage: Stage, t: float) -> tuple[list[Thing], Scene]:
        ground = GROUNDS[self.scene]
        light = sunlight((self.scene, self.part, self.seed), t, self.drift)
        pose = CAMERAS[self.camera](ground, key, t)
        return shoot(pose, ground, key, t, light, self.part, stage, self.size)


def _labelled(drawn: Render, seen: list[Thing]) -> Frame:
    """The frame of a picture in which instance i is the thing seen[i]."""
    classes = [CLASSES.index(LABELS[each.kind]) + 1 if each.kind in LABELS else 0 for each in seen]
    tracks = [each.track if label else 0 for each, label in zip(seen, classes, strict=True)]
    owner = drawn.instances[0].numpy()
    boxes = [tuple(box) for box in drawn.boxes.tolist()]
    return Frame(
        drawn.images[0].numpy(),
        np.array([0, *classes], np.uint8)[owner],
        np.array([0, *tracks], np.int32)[owner],
        tuple(Track(*row) for row in zip(tracks, classes, boxes, strict=True) if row[1] and any(row[2])),
    )


def _check_range(first: int, last: int) -> None:
    if not 0 <= first < last:
        raise InputError(f"frames {first} to {last}: give 0 <= first < last")


def _arrays(stream: Stream, start: int, first: int, last: int) -> dict[str, Array]:
    """Frames start + first to start + last - 1, as `store.stored` wants them."""
    frames = list(stream.frames(start + first, start + last))
    return {
        "images": np.stack([frame.image for frame in frames]),
        "labels": np.stack([frame.labels for frame in frames]),
        "instances": np.stack([frame.instances for frame in frames]),
    }


def _write_mp4(path: Path, pictures: Iterable[Array], fps: float) -> None:
    """Write pictures uint8 [H, W, 3] (RGB)."""
    pictures = iter(pictures)
    picture = next(pictures)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, picture.shape[1::-1])
    if not writer.isOpened():
        raise InputError(f"{path}: this OpenCV cannot write MPEG-4 video; write a .gif instead")
    try:
        for each in chain([picture], pictures):
            writer.write(np.ascontiguousarray(each[..., ::-1]))
    finally:
        writer.release()


def _write_gif(path: Path, pictures: Iterable[Array], fps: float) -> None:
    """The same as an animated picture that repeats."""
    first, *others = (Image.fromarray(each) for each in pictures)
    first.save(path, save_all=True, append_images=others, duration=1000 / fps, loop=0)


_WRITERS = {".mp4": _write_mp4, ".gif": _write_gif}


def label_change(stream: Stream, first: int, last: int) -> float:
    """The share of pixels whose label changes from one frame to the next, averaged over frames `first` to `last` - 1.

    Raises:
        InputError: these are not at least two frames.
    """
    if last - first < 2:
        raise InputError(f"frames {first} to {last}: a change needs at least two frames")
    labels = (frame.labels for frame in stream.frames(first, last))
    return float(np.mean([(before != after).mean() for before, after in pairwise(labels)]))

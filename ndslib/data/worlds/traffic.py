"""What moves through a stream: rows of things along endless lines, each at a place that follows from the time alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ndslib.core.seeding import derive_seed, rng

Key = tuple  # JSON values that name a random stream
RIDERS = {"bicycle": 0.4, "motorcycle": 0.35}  # what carries a person when it moves, and how high its feet are, metres
# How walkers go: seconds that two steps take, and degrees of the sway from side to side.
_GAITS = {"person": (1.0, 4.0), "dog": (0.5, 3.0), "horse": (1.3, 2.0), "cow": (1.6, 2.0), "sheep": (0.8, 2.5),
          "elephant": (2.2, 2.0), "giraffe": (1.8, 1.5)}  # fmt: skip
_WAVES = 4  # sines that a wandering value is made of
_MOMENT = 0.05  # seconds, over which the direction of a movement is measured


@dataclass(frozen=True)
class Row:
    """Things one after the other along z, without an end: a lane of traffic, people on a pavement, trees, kerb stones.

    The row slides along z like a conveyor belt, so that things enter and leave; each of its slots holds the same thing
    for ever. Lengths are in metres, times in seconds.

    Attributes:
        kinds: what fills a slot, all equally likely: classes of the catalogue, or of `grounds.PLATES`.
        x: where the row lies.
        gap: length of a slot.
        chance: that a slot is filled.
        speed: along +z.
        pause: 0 (steady) to 1 (the row stops now and then).
        spread: how far things stand aside of the row, at most.
        jitter: how far they stand from the middle of their slot, as a share of the gap, at most.
        roam: how far things wander about their own place, across and along, at most.
        period: of the wandering.
        facing: degrees from +z towards +x; None faces the movement, or anywhere when there is none.
        level: height of the ground.
    """

    kinds: tuple[str, ...]
    x: float
    gap: float
    chance: float = 1.0
    speed: float = 0.0
    pause: float = 0.0
    spread: float = 0.0
    jitter: float = 0.3
    roam: tuple[float, float] = (0.0, 0.0)
    period: float = 20.0
    facing: float | None = None
    level: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether its things change their places."""
        return self.speed != 0 or any(self.roam)


@dataclass(frozen=True)
class Thing:
    """Something at a moment.

    Attributes:
        kind: its class.
        track: its number, from 1 to 2**31 - 1: a hash, so that it can be had at any time.
        seed: of its looks, any integer from 0.
        x, y, z: the place on the ground under its middle, metres.
        heading: degrees from +z towards +x.
        lean: degrees that it rolls to its side.
        moving: whether it can move.
    """

    kind: str
    track: int
    seed: int
    x: float
    y: float
    z: float
    heading: float
    lean: float = 0.0
    moving: bool = False


@dataclass(frozen=True)
class _Slot:
    """What a slot of a row holds, and how it differs from its neighbours."""

    kind: str
    seed: int
    aside: float
    along: float
    heading: float


def wander(key: Key, t: float, period: float, channels: int = 1) -> np.ndarray:
    """Values float64 [channels] in [-1, 1] that change smoothly with the time `t`, each in its own way.

    Each is a sum of sines of random phases, whose periods lie around `period`: any time can be asked for directly.
    """
    frequency, phase = _waves(key, channels)
    return np.sin(frequency * (2 * np.pi * t / period) + phase).mean(1)


@lru_cache(maxsize=8192)
def _waves(key: Key, channels: int) -> tuple[np.ndarray, np.ndarray]:
    random = rng("waves", *key)
    return random.uniform(0.4, 1.6, (channels, _WAVES)), random.uniform(0, 2 * np.pi, (channels, _WAVES))


def travelled(row: Row, key: Key, t: float) -> float:
    """How far a row has slid along +z at time `t`, metres; `key` names the row."""
    (start, phase), rhythm = _start(key), 2 * np.pi / 25.0
    return start * row.gap + row.speed * (t - row.pause / rhythm * np.sin(rhythm * t + phase))


@lru_cache(maxsize=1024)
def _start(key: Key) -> tuple[float, float]:
    return tuple(rng("start", *key).uniform(0, (1, 2 * np.pi)))


def things(rows: Sequence[Row], key: Key, t: float, low: float, high: float) -> Iterator[Thing]:
    """All that stands or moves between two z at time `t`, and somewhat beyond; `key` names the world."""
    for number, row in enumerate(rows):
        own = (*key, number)
        slid, margin = travelled(row, own, t), 1 + row.roam[1] / row.gap
        for slot in range(int((low - slid) / row.gap - margin), int((high - slid) / row.gap + margin) + 1):
            yield from _occupants(row, own, slot, t)


def _occupants(row: Row, key: Key, slot: int, t: float) -> Iterator[Thing]:
    held = _drawn(row, key, slot)
    if held is None:
        return
    own = (*key, slot)
    x, z = _place(row, held, key, slot, t)
    heading, lean, lift = held.heading, 0.0, 0.0
    if row.moves:
        ahead = np.subtract(_place(row, held, key, slot, t + _MOMENT), _place(row, held, key, slot, t - _MOMENT))
        heading = float(np.degrees(np.arctan2(*ahead))) if row.facing is None else row.facing
        pace = float(np.hypot(*ahead)) / (2 * _MOMENT)
        lean, lift = _gait(held, pace, t)
    yield Thing(held.kind, _track(own), held.seed, x, row.level + lift, z, heading, lean, row.moves)
    if row.moves and held.kind in RIDERS:
        level = row.level + RIDERS[held.kind]
        yield Thing("person", _track((*own, "rider")), held.seed, x, level, z, heading, lean, row.moves)


@lru_cache(maxsize=65536)
def _drawn(row: Row, key: Key, slot: int) -> _Slot | None:
    """What a slot holds; None is an empty one. Slot 0 of what moves stays free: a camera may ride there."""
    random = rng("slot", *key, slot)
    if random.random() >= row.chance or (slot == 0 and row.moves):
        return None
    aside, along = random.uniform(-1, 1, 2) * (row.spread, row.jitter * row.gap)
    turn = random.uniform(0, 360) if row.facing is None else row.facing
    return _Slot(str(random.choice(row.kinds)), int(random.integers(2**31)), aside, along, turn)


@lru_cache(maxsize=65536)
def _track(key: Key) -> int:
    return derive_seed("track", *key) % (2**31 - 1) + 1


def _place(row: Row, held: _Slot, key: Key, slot: int, t: float) -> tuple[float, float]:
    """Where a slot's thing is at time `t`: x and z."""
    across, along = wander((*key, slot), t, row.period, 2) * row.roam if any(row.roam) else (0.0, 0.0)
    return row.x + held.aside + across, slot * row.gap + held.along + travelled(row, key, t) + along


def _gait(held: _Slot, pace: float, t: float) -> tuple[float, float]:
    """How far something that walks leans to its side (degrees) and rises (metres) at time `t`."""
    stride, sway = _GAITS.get(held.kind, (1.0, 0.0))
    swing = np.sin(2 * np.pi * (t / stride + held.seed % 97 / 97)) * min(pace, 1.0)
    return sway * swing, 0.006 * sway * swing**2

"""Procedural materials: colour, roughness, metalness and glow at any place of an object's surface, on any device."""

import difflib
from functools import lru_cache
from typing import NamedTuple

import torch

from ndslib.core.errors import InputError
from ndslib.sim import patterns
from ndslib.sim.material_table import MATERIALS, Material

NAMES: tuple[str, ...] = tuple(MATERIALS)
# The table's columns: the pattern's place in `patterns.PATTERNS`, cells per unit, glow, and then colours and pairs.
COLUMNS: dict[str, int] = {"pattern": 0, "scale": 1, "emission": 2}
FIRST, MIDDLE, SECOND = slice(3, 6), slice(6, 9), slice(9, 12)  # linear RGB at tones 0, 1/2 and 1
AVERAGE = slice(12, 15)  # linear RGB from afar
ROUGHNESS, METALLIC = slice(15, 17), slice(17, 19)  # at tones 0 and 1
_KINDS = tuple(patterns.PATTERNS)
_LEVELS = 1024  # steps of tone: fine enough that none shows in an 8-bit picture


class Surface(NamedTuple):
    """What light meets at n places: albedo float32 [n, 3] (linear RGB), roughness, metallic and emission float32 [n].

    All in [0, 1] but emission, which is a multiple of the albedo.
    """

    albedo: torch.Tensor
    roughness: torch.Tensor
    metallic: torch.Tensor
    emission: torch.Tensor


def index(name: str) -> int:
    """The row of the material in `table`.

    Raises:
        InputError: there is no material of that name.
    """
    return find(name, NAMES, "material")


def find(name: str, names: tuple[str, ...], kind: str) -> int:
    """The place of `name` in `names`.

    Raises:
        InputError: it is not there; the message says what `kind` of thing it names, and the nearest names.
    """
    if name not in names:
        nearest = ", ".join(difflib.get_close_matches(str(name), names, 3, cutoff=0))
        raise InputError(f"there is no {kind} {name!r}: the nearest of the {len(names)} names are {nearest}")
    return names.index(name)


@lru_cache
def table(device: torch.device | str) -> torch.Tensor:
    """All materials as float32 [M, C]: rows in the order of `NAMES`, laid out as `COLUMNS` and the slices say."""
    return torch.tensor([_row(material) for material in MATERIALS.values()], dtype=torch.float32, device=device)


def _row(material: Material) -> list[float]:
    mean = patterns.PATTERNS[material.pattern].mean
    lower, upper = min(2 * mean, 1.0), max(2 * mean - 1, 0.0)
    colours = zip(material.first, material.middle, material.second, strict=True)
    average = [a + lower * (b - a) + upper * (c - b) for a, b, c in colours]
    return [_KINDS.index(material.pattern), material.scale, material.emission, *material.first, *material.middle,
            *material.second, *average, *material.roughness, *material.metallic]  # fmt: skip


def surface(material: torch.Tensor, position: torch.Tensor, footprint: torch.Tensor) -> Surface:
    """The surface at n places; each depends on its own arguments only, bit for bit on a CPU.

    Args:
        material: int64 [n], rows of `table`.
        position: float32 [n, 3], in the object's own frame plus any offset: another offset is another cut through the
            same material.
        footprint: float32 [n], size of a pixel in the unit of `position`; finer detail is averaged away.
    """
    rows = table(position.device)
    kind = rows[:, COLUMNS["pattern"]].to(torch.uint8).index_select(0, material)
    scale = rows[:, COLUMNS["scale"]].index_select(0, material)
    tone = _tones(kind, position.T.contiguous() * scale, footprint * scale)
    step = tone.mul_(_LEVELS - 1).add_(0.5).int().add_(material * _LEVELS)
    colours, finish = _ramps(position.device)
    return Surface(colours.index_select(0, step), *finish.index_select(1, step))


def _tones(kind: torch.Tensor, place: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
    """Tones float32 [n]: every pattern that occurs is evaluated once, on its own samples."""
    tone = torch.empty_like(footprint)
    for present in kind.bincount().nonzero()[:, 0].tolist():
        own = (kind == present).nonzero()[:, 0]
        values = patterns.evaluate(_KINDS[present], place.index_select(1, own), footprint.index_select(0, own))
        tone.index_copy_(0, own, values)
    return tone


@lru_cache
def _ramps(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """What each material is at each step of tone: albedo float32 [M * _LEVELS, 3] and, as rows of float32
    [3, M * _LEVELS], its roughness, metalness and emission."""
    rows = table(device)[:, None]
    tone = torch.linspace(0, 1, _LEVELS, device=device)[:, None]
    lower, upper = (2 * tone).clamp(max=1), (2 * tone - 1).clamp(min=0)
    first, middle, second = rows[..., FIRST], rows[..., MIDDLE], rows[..., SECOND]
    colours = first + lower * (middle - first) + upper * (second - middle)
    pairs = torch.stack([rows[..., ROUGHNESS], rows[..., METALLIC]])
    roughness, metallic = pairs[..., 0] + tone[:, 0] * (pairs[..., 1] - pairs[..., 0])
    emission = rows[..., COLUMNS["emission"]].expand_as(roughness)
    return colours.flatten(0, 1), torch.stack([roughness, metallic, emission]).flatten(1)

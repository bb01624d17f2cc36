"""Glyph-like solids: signs and emblems that stand upright and face +z."""

from collections.abc import Callable, Sequence

import numpy as np

from ndslib.sim.catalogue._common import Parts, each, slab, upright
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Solid,
    around,
    assemble,
    ball,
    bar,
    both,
    circle,
    cylinder,
    extrude,
    lathe,
    loft,
    smooth,
    torus,
    tube,
)

_METALS = ("gold", "silver", "bronze", "copper", "steel", "iron")
_FINISHES = ("paint_red", "paint_yellow", "paint_blue", "paint_green", "plastic_orange", "plastic_purple",
             "plastic_pink", "marble_white", "granite_grey", "oak", *_METALS)  # fmt: skip


def _inset(outline: Sequence[tuple[float, float]], distance: float) -> np.ndarray:
    """A counter-clockwise polygon [P, 2] with its edges moved inwards."""
    outline = np.asarray(outline, float)
    ahead = np.roll(outline, -1, 0) - outline
    normal = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / np.linalg.norm(ahead, axis=1, keepdims=True)
    before = np.roll(normal, 1, 0)
    return outline + distance * (before + normal) / (1 + (before * normal).sum(1, keepdims=True))


def _polygon(corners: Sequence[tuple[float, float]], softness: float) -> Callable[[float], np.ndarray]:
    """The shape of a counter-clockwise polygon whose corners are rounded over the share `softness` of their edges."""
    share = np.linspace(0, 1, 5)[None, :, None]

    def outline(distance: float) -> np.ndarray:
        corner = _inset(corners, distance)
        start = corner + softness * (np.roll(corner, 1, 0) - corner)
        end = corner + softness * (np.roll(corner, -1, 0) - corner)
        arc = (1 - share) ** 2 * start[:, None] + 2 * share * (1 - share) * corner[:, None] + share**2 * end[:, None]
        return arc.reshape(-1, 2)

    return outline


def _chiselled(shape: Callable[[float], np.ndarray], depth: float, bevel: float) -> list[Solid]:
    """A plate whose edges slope from the middle to both faces."""
    half = extrude(shape(0), depth / 2).at(z=depth / 4)
    half.vertices[len(half.vertices) // 2 :, :2] = shape(bevel)
    return both(half, "z")


def _emblem(genes: Genes, shape: Callable[[float], np.ndarray], standing: bool = False) -> Parts:
    """A plate with raised faces; if it is `standing`, some meshes have a stand.

    `shape` gives the counter-clockwise outline [P, 2] about the origin, moved inwards by a distance.
    """
    depth, bevel, margin = genes.uniform(0.2, 0.5), genes.uniform(0.02, 0.05), genes.uniform(0.03, 0.05)
    body, face, tilt = genes.choice(_FINISHES), genes.choice(_FINISHES), genes.uniform(-10, 10)
    stone, stand = genes.choice(("marble_black", "granite_red", "walnut")), genes.chance(0.3)
    front = extrude(shape(bevel + margin), 0.1).at(z=depth / 2)
    parts = {"body": (body, _chiselled(shape, depth, bevel)), "front": (face, front), "back": (face, front.mirror("z"))}
    parts = each(parts, lambda solid: solid.turn("z", tilt))
    if standing and stand:
        x, y = shape(0).T
        place, low = x[y < y.min() + 0.1].mean(), y.min() - 0.15
        parts["stand"] = (stone, [bar((place, low, 0), (0, 0, 0), 0.07), slab(0.9, 0.2, 0.7).at(place, low)])
    return parts


def star(genes: Genes) -> Mesh:
    points, inner = genes.choice((5, 5, 5, 4, 6, 8)), genes.uniform(0.38, 0.55)
    angle = np.pi / 2 + np.pi * np.arange(2 * points) / points
    corners = np.stack([np.cos(angle), np.sin(angle)], 1) * np.where(np.arange(2 * points) % 2, inner, 1)[:, None]
    return assemble(_emblem(genes, _polygon(corners, genes.uniform(0.05, 0.25)), standing=True))


def heart(genes: Genes) -> Mesh:
    width, cleft = genes.uniform(0.85, 1.15), genes.uniform(0.4, 0.6)
    tip, bulge = genes.uniform(0.8, 1.2), genes.uniform(0.5, 0.6)
    half = [(0, -tip), (bulge, 0.1 - 0.5 * tip), (0.98, 0.2), (0.86, 0.66), (0.5, 0.86), (0.15, 0.72), (0, cleft)]
    half = smooth(half, 4) * [width, 1]
    outline = np.concatenate([half, half[-2:0:-1] * [-1, 1]])
    return assemble(_emblem(genes, lambda distance: _inset(outline, distance), standing=True))


def arrow(genes: Genes) -> Mesh:
    shaft, head, barb = genes.uniform(0.16, 0.3), genes.uniform(0.6, 0.9), genes.uniform(0.55, 0.8)
    tail, notch, double = genes.uniform(1.0, 1.5), genes.uniform(-0.15, 0.2), genes.chance(0.2)
    way = genes.choice((0, 0, 90, 180, 270))
    end = [(shaft, -tail - notch), (barb, -tail), (0, -tail - head)] if double else [(shaft, -tail)]
    half = np.array([*end[::-1], (shaft, notch), (barb, 0), (0, head)])
    back = half[-2 : 0 if double else None : -1] * [-1, 1]
    outline = np.concatenate([half, back]) + np.array([0, (tail + head * double - head) / 2])
    parts = _emblem(genes, _polygon(outline, genes.uniform(0.05, 0.2)))
    return assemble(each(parts, lambda solid: solid.turn("z", way)))


def cross(genes: Genes) -> Mesh:
    """A Latin or a Greek cross, with straight or flared arms."""
    arm, foot, girth = genes.uniform(0.6, 0.9), genes.choice((0.0, 0.6, 0.9)), genes.uniform(0.2, 0.32)
    flare = genes.choice((0.02, 0.02, 0.15, 0.2))
    wide = girth + flare
    quarter = [(wide, arm), (girth, girth), (arm, wide), (arm, -wide), (girth, -girth), (wide, -arm - foot)]
    outline = np.array([*quarter[::-1], *([-x, y] for x, y in quarter)])
    return assemble(_emblem(genes, _polygon(outline, genes.uniform(0.05, 0.2)), standing=True))


def crescent(genes: Genes) -> Mesh:
    bite, shift, turn = genes.uniform(0.72, 0.85), genes.uniform(0.32, 0.45), genes.uniform(-30, 30)
    size, place, starry = genes.uniform(0.22, 0.32), genes.uniform(0.3, 0.5), genes.chance(0.4)

    def outline(distance: float) -> np.ndarray:
        outer, inner = 1 - distance, bite + distance
        x = (outer**2 + shift**2 - inner**2) / (2 * shift)  # where the two circles meet
        end, start = np.arccos(x / outer), np.arccos((x - shift) / inner)
        far, near = np.linspace(end, 2 * np.pi - end, 32), np.linspace(2 * np.pi - start, start, 28)[1:-1]
        hollow = np.stack([shift + inner * np.cos(near), inner * np.sin(near)], 1)
        return np.concatenate([outer * np.stack([np.cos(far), np.sin(far)], 1), hollow])

    parts = each(_emblem(genes, outline), lambda solid: solid.turn("z", turn))
    if starry:
        spike = lathe([(0, -0.3), (0.25, 0), (0, 1)], 4).scale(size, size, 0.5 * size)
        parts["star"] = (genes.choice(_METALS), [one.at(x=place + 0.1) for one in around(spike, 5, "z")])
    return assemble(parts)


def lightning_bolt(genes: Genes) -> Mesh:
    slant, step, width = genes.uniform(0.2, 0.45), genes.uniform(0.2, 0.4), genes.uniform(0.3, 0.45)
    top, jag = genes.uniform(0.9, 1.2), genes.uniform(0.05, 0.2)
    outline = [(-slant - 0.1, -top - 0.2), (step + width, 0.1 + jag), (0.12, 0.05 + jag), (slant + width, top),
               (slant - width, top), (-step - width, -0.15), (-0.12, -0.1)]  # fmt: skip
    return assemble(_emblem(genes, _polygon(outline, genes.uniform(0.05, 0.15)), standing=True))


def gear(genes: Genes) -> Mesh:
    teeth, depth, hole = genes.integer(8, 16), genes.uniform(0.25, 0.55), genes.uniform(0.45, 0.65)
    height, spokes, slope = genes.uniform(0.15, 0.28), genes.integer(3, 6), genes.uniform(0.1, 0.3)
    metal, hub, bore = genes.choice((*_FINISHES, "brass")), genes.choice(_METALS), genes.uniform(0.2, 0.28)
    phase = np.array([0, 0.25 - slope / 2, 0.25 + slope / 2, 0.75 - slope / 2, 0.75 + slope / 2])
    angle = 2 * np.pi / teeth * (np.arange(teeth)[:, None] + phase).ravel()
    rim = np.tile([1, 1, 1 + height, 1 + height, 1], teeth)
    spoke = slab(hole - bore + 0.2, 0.16, 0.6 * depth).at((hole + bore) / 2)
    return assemble({
        "toothed rim": (metal, _washer(angle, hole + 0.05, rim, depth)),
        "flange": (hub, _washer(np.linspace(0, 2 * np.pi, 28, endpoint=False), hole, 0.85, 1.2 * depth)),
        "spokes": (metal, around(spoke, spokes, "z")),
        "hub": (hub, _washer(np.linspace(0, 2 * np.pi, 20, endpoint=False), 0.5 * bore, bore + 0.08, 1.3 * depth)),
    })  # fmt: skip


def _washer(angle: np.ndarray, inner: float, outer: float | np.ndarray, depth: float) -> Solid:
    """A flat ring that faces +z; its outer radius may change with the angle."""
    radii = np.stack(np.broadcast_arrays(inner, inner, outer, outer), -1) * np.ones((len(angle), 4))
    z = np.broadcast_to(depth / 2 * np.array([-1, 1, 1, -1]), radii.shape)
    return loft(np.stack([radii * np.cos(angle)[:, None], radii * np.sin(angle)[:, None], z], -1), closed=True)


def spring(genes: Genes) -> Mesh:
    turns, pitch, girth = genes.integer(4, 7), genes.uniform(0.4, 0.55), genes.uniform(0.08, 0.13)
    low, high, waist = genes.uniform(0.6, 0.9), genes.uniform(0.4, 0.9), genes.uniform(-0.2, 0.2)
    metal, end, height = genes.choice(_METALS), genes.choice(_FINISHES), turns * pitch
    share = np.linspace(0, 1, 14 * turns + 1)
    radius = low + (high - low) * share - waist * np.sin(np.pi * share)
    angle = 2 * np.pi * turns * share
    coil = np.stack([radius * np.cos(angle), height * share, radius * np.sin(angle)], 1)
    return assemble({
        "coil": (metal, tube(coil, girth, 8)),
        "foot": (end, torus(low, 1.3 * girth, 28, 8)),
        "head": (end, torus(high, 1.3 * girth, 28, 8).at(y=height)),
    })  # fmt: skip


def ring(genes: Genes) -> Mesh:
    """A jewelled finger ring."""
    girth, broad, size = genes.uniform(0.08, 0.15), genes.uniform(1.0, 1.8), genes.uniform(0.3, 0.48)
    facets, crown, side = genes.choice((6, 8, 10)), genes.uniform(0.2, 0.35), genes.uniform(14, 20)
    metal = genes.choice(("gold", "silver", "brass", "copper"))
    stone = genes.choice(("glass_green", "ice", "petal_red", "petal_purple", "jade", "glass_clear"))
    accent, paired = genes.choice(("ice", "petal_red", "glass_clear")), genes.chance(0.5)
    cut = [(0, -0.55), (0.35, -0.35), (1, 0.1), (1, 0.16), (0.6, crown + 0.16), (0, crown + 0.16)]
    gem = lathe(np.array(cut) * size, facets)
    top = 1 + 0.45 * size
    claw = bar((0.4 * size, 0.9, 0), (0.95 * size, top + 0.25 * size, 0), 0.05, sides=6)
    small = gem.scale(0.4, 0.4, 0.4).at(y=1 + girth)
    parts = {
        "band": (metal, torus(1, girth, 36, 10).scale(y=broad).turn("x", 90)),
        "setting": (metal, lathe([(0.2 * size, 0.95), (0.75 * size, top + 0.05)], 14)),
        "claws": (metal, around(claw, 4, start=45)),
        "gem": (stone, gem.at(y=top)),
    }
    if paired:
        parts["side gems"] = (accent, [small.turn("z", turn) for turn in (2 * side, -2 * side)])
    return assemble(parts)


def pyramid(genes: Genes) -> Mesh:
    """Of fine courses or of a few big steps with a stair."""
    height, steps, share = genes.uniform(1.1, 1.7), genes.integer(4, 7), genes.uniform(0.15, 0.35)
    stone = genes.choice(("sandstone", "limestone", "brick_yellow", "granite_red", "travertine"))
    cap, ground = genes.choice(("gold", "marble_white", "limestone")), genes.choice(("sand", "paving", "soil"))
    door, stepped = genes.uniform(0.12, 0.22), genes.chance(0.4)
    courses = steps if stepped else 4 * steps
    levels = np.linspace(0, 1 - share, courses + 1)
    profile = np.stack([1 - np.repeat(levels[:-1], 2), np.repeat(levels, 2)[1:-1]], 1)

    def square(profile: np.ndarray) -> Solid:
        """Revolved in four steps, its sides across x and z."""
        return lathe(profile * [np.sqrt(2), height], 4).turn("y", 45)

    parts = {
        "courses": (stone, square(profile)),
        "cap": (cap, square(np.array([(share, 1 - share), (0, 1)]))),
        "base": (ground, slab(2.3, 0.1, 2.3).at(y=-0.04)),
    }
    if stepped:
        climb = np.linspace(0, 1 - share, 12, endpoint=False)
        stair = [slab(0.3, 0.1 + height * up, 0.15).at(0, 0.05 + height * up / 2, 1.1 - up) for up in climb]
        parts["stair"] = (stone, stair)
    else:
        parts["gateway"] = (stone, slab(2.2 * door, 1.6 * door, 0.5).at(0, 0.8 * door, 0.85))
        parts["door"] = ("paint_black", slab(1.3 * door, 1.2 * door, 0.5).at(0, 0.6 * door, 0.88))
    return assemble(parts)


def question_mark(genes: Genes) -> Mesh:
    girth, width, height = genes.uniform(0.14, 0.24), genes.uniform(0.5, 0.7), genes.uniform(0.9, 1.2)
    stem, power, gap = genes.uniform(0.25, 0.5), genes.choice((2.0, 2.0, 6.0)), genes.uniform(0.2, 0.35)
    paint, spot, slant = genes.choice(_FINISHES), genes.choice(_FINISHES), genes.uniform(-10, 10)
    hook = [(-width, 0.5 * height), (-0.75 * width, 0.85 * height), (0, height), (0.75 * width, 0.85 * height),
            (width, 0.5 * height), (0.6 * width, 0.15 * height), (0.1 * width, -0.15), (0, -0.25 - stem)]  # fmt: skip
    path = upright(smooth(hook, 5))
    low = -0.25 - stem - gap - girth
    if power == 2:
        dot = ball(1.3 * girth, segments=16)
        ends = [ball(1.12 * girth, segments=14).at(*place) for place in path[[0, -1]]]
    else:
        dot = slab(2.4 * girth, 2.4 * girth, 2.4 * girth)
        ends = slab(2.5 * girth, 0.14, 2.5 * girth).at(*path[-1])
    parts = {
        "hook": (paint, tube(path, girth, section=circle(1.1, 12, power))),
        "ends": (paint, ends),
        "dot": (spot, dot.at(y=low)),
    }
    return assemble(each(parts, lambda solid: solid.turn("z", slant)))


def anchor(genes: Genes) -> Mesh:
    length, spread, girth = genes.uniform(1.8, 2.4), genes.uniform(0.9, 1.2), genes.uniform(0.09, 0.15)
    stock, eye, fluke = genes.uniform(0.5, 0.8), genes.uniform(0.2, 0.3), genes.uniform(0.3, 0.42)
    metal = genes.choice(("iron", "cast_iron", "rusty_iron", "gold", "paint_navy", "brass"))
    wood, roped = genes.choice(("oak", "iron", "paint_white")), genes.chance(0.5)
    angle = np.radians(np.linspace(200, 340, 17))
    arms = spread * np.stack([np.cos(angle), 1 + np.sin(angle)], 1)
    barb = extrude([(-0.5, -0.3), (0.5, -0.3), (0, 0.9)], 0.3).scale(fluke, fluke, 0.6).turn("z", -20).at(*arms[-1])
    curl = np.linspace(0, 6 * np.pi, 43)
    climb = length * (0.3 + 0.05 * curl / np.pi)
    rope = np.stack([1.5 * girth * np.cos(curl), climb, 1.5 * girth * np.sin(curl)], 1)
    parts = {
        "shank": (metal, bar((0, 0, 0), (0, length, 0), 1.2 * girth, 0.8 * girth)),
        "arms": (metal, tube(upright(arms), girth * np.interp(np.arange(17), [0, 8, 16], [0.7, 1.3, 0.7]))),
        "flukes": (metal, both(barb)),
        "stock": (wood, cylinder(girth, 2 * stock, segments=10).turn("z", 90).at(y=0.85 * length)),
        "knobs": (metal, both(ball(1.5 * girth, segments=10).at(stock, 0.85 * length))),
        "eye": (metal, torus(eye, 0.6 * girth, 20, 8).turn("x", 90).at(y=length + eye)),
    }
    if roped:
        parts["rope"] = ("rope", tube(rope, 0.06, 6))
    return assemble(parts)


CLASSES = {
    make.__name__: make
    for make in (star, heart, arrow, cross, crescent, gear, spring, ring, pyramid, question_mark, lightning_bolt,
                 anchor)
}  # fmt: skip

"""Street furniture. Lengths are in metres; what has a face turns it towards +z."""

import numpy as np

from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Solid,
    around,
    assemble,
    ball,
    bar,
    both,
    box,
    circle,
    cylinder,
    extrude,
    lathe,
    smooth,
    torus,
    tube,
)


def traffic_light(genes: Genes) -> Mesh:
    height = genes.uniform(1.5, 2.8)
    radius = genes.uniform(0.06, 0.09)
    size = genes.uniform(0.42, 0.54)
    depth = genes.uniform(0.14, 0.28)
    lamp = genes.uniform(0.33, 0.4) * size
    post = genes.choice(("paint_grey", "paint_black", "paint_green", "hazard_stripes"))
    case = genes.choice(("plastic_black", "plastic_black", "plastic_yellow"))
    reach = -genes.uniform(0.8, 1.3) if genes.chance(0.3) else 0.0  # hung from an arm, or on top of the post
    backplate, button = genes.chance(0.5), genes.chance(0.5)
    head, front = 3 * size, 0.3 * size
    middle = height if reach else height + head / 2
    levels = [middle + step * 0.95 * size for step in (1, 0, -1)]
    hoods = [_hood(1.15 * lamp, depth).at(reach, y, front) for y in levels]
    housing = box(size, head, 0.6 * size, 0.12 * size).at(reach, middle)
    parts = {
        "post": (post, cylinder(radius, height + 0.2, 0.8 * radius, 12).at(0, height / 2 + 0.1)),
        "foot": ("concrete", cylinder(3 * radius, 0.18, 2.4 * radius, 14).at(0, 0.09)),
        "housing": (case, [housing, *hoods]),
    }
    for colour, y in zip(("red", "orange", "green"), levels, strict=True):
        parts[f"{colour} lamp"] = (f"plastic_{colour}", ball(lamp, lamp, 0.35 * lamp, 14).at(reach, y, front))
    if reach:
        parts["arm"] = (post, bar((0, height, 0), (reach, height, 0), 0.7 * radius, sides=8))
    if backplate:
        parts["backplate"] = ("plastic_black", box(1.5 * size, 1.15 * head, 0.04).at(reach, middle, 0.1 * size))
    if button:
        parts["button"] = ("plastic_yellow", box(0.2, 0.3, 0.2, 0.04).at(0, 1.0, radius))
    return assemble(parts)


def _hood(radius: float, depth: float) -> Solid:
    """The visor over a lamp: the upper half of a short pipe along z."""
    half = circle(1.0, 24)[:13]
    return extrude(np.concatenate([radius * half, 0.85 * radius * half[::-1]]), depth).at(z=depth / 2)


def street_lamp(genes: Genes) -> Mesh:
    style = genes.choice((_arm_lamps, _arm_lamps, _lantern, _globes))
    height = genes.uniform(2.8, 4.4)
    radius = genes.uniform(0.06, 0.1)
    reach = genes.uniform(0.8, 1.4)
    size = genes.uniform(1.0, 1.4)
    arms = genes.integer(1, 2)
    post = genes.choice(("paint_black", "paint_green", "paint_grey", "aluminium", "cast_iron"))
    collars = genes.integer(1, 3)
    profile = [(4 * radius, 0), (4 * radius, 0.12), (2.6 * radius, 0.2), (2 * radius, 0.8), (1.3 * radius, 0.95),
               (1.2 * radius, 0.6 * height), (0.9 * radius, height)]  # fmt: skip
    rings = [cylinder(1.9 * radius, 0.08, segments=14).at(0, 0.95 + 0.3 * step) for step in range(collars)]
    lamp = {name: (material or post, solids) for name, (material, solids) in style(height, reach, size, arms).items()}
    return assemble({"post": (post, [lathe(profile, 14), *rings])} | lamp)


def _arm_lamps(height: float, reach: float, size: float, arms: int) -> dict:
    """Curved arms with a flat lamp each; parts without a material are of the post's."""
    top, tip = height + 0.8, reach + 0.2 * size
    path = smooth([(0, height - 0.1, 0), (0.12, height + 0.45, 0), (0.45 * reach, top - 0.05, 0), (reach, top, 0)])
    shade = lathe([(0.06, -0.42), (0.2, -0.3), (0.22, 0.25), (0.1, 0.42)], 12).turn("z", 90)
    bulb = ball(0.3 * size, 0.1 * size, 0.16 * size, 12)
    return {
        "arm": ("", around(tube(path, 0.06, 8), arms)),
        "shade": ("", around(shade.scale(size, 0.6 * size, size).at(tip, top), arms)),
        "bulb": ("lamp_glow", around(bulb.at(tip, top - 0.1 * size), arms)),
    }


def _lantern(height: float, reach: float, size: float, arms: int) -> dict:
    low, high, tall = 0.2 * size, 0.32 * size, 0.75 * size  # half widths, height
    glass = lathe([(1.3 * low, 0.02), (1.3 * high, tall)], 4).turn("y", 45)
    edges = around(bar((low, 0, low), (high, tall, high), 0.035 * size, sides=8), 4)
    cup = lathe([(0.08 * size, -0.15), (0.3 * size, 0.04 * size)], 12)
    roof = lathe([(0.5, 0.75), (0.5, 0.8), (0.14, 1.1), (0.05, 1.3)], 4).turn("y", 45).scale(size, size, size)
    crossbar = bar((-0.35 * reach, -0.35, 0), (0.35 * reach, -0.35, 0), 0.03, sides=8)  # a ladder leant on it
    frame = [*edges, cup, *([crossbar] if arms == 2 else [])]
    return {
        "glass": ("lamp_glow", glass.at(0, height)),
        "frame": ("", [solid.at(0, height) for solid in frame]),
        "cap": ("", roof.at(0, height)),
    }


def _globes(height: float, reach: float, size: float, arms: int) -> dict:
    places = [(0.0, 0.3 * size), (0.5 * reach, 0.1 * size), (-0.5 * reach, 0.1 * size)][: 2 * arms - 1]
    curve = smooth([(0, height - 0.55, 0), (0.3 * reach, height - 0.5, 0), (0.5 * reach, height - 0.15, 0)])
    brackets = both(tube(curve, 0.04, 8)) if arms == 2 else []
    cups = [cylinder(0.08 * size, 0.3 * size, 0.18 * size, 12).at(x, height + y - 0.28 * size) for x, y in places]
    return {
        "globe": ("lamp_glow", [ball(0.28 * size, segments=16).at(x, height + y) for x, y in places]),
        "bracket": ("", cups + brackets),
    }


_ARROW = np.array([(-1, -0.4), (0.2, -0.4), (0.2, -0.85), (1.1, 0), (0.2, 0.85), (0.2, 0.4), (-1, 0.4)])
_SIGNS = {  # outline and turn in degrees; materials of the rim, the field and the symbol
    "stop": (circle(1.0, 8), 22.5, "paint_white", "plastic_red", "paint_white"),
    "danger": (circle(1.2, 3), 90, "plastic_red", "paint_white", "paint_black"),
    "give way": (circle(1.2, 3), -90, "plastic_red", "paint_white", "paint_red"),
    "ban": (circle(1.0, 28), 0, "plastic_red", "paint_white", "paint_black"),
    "parking": (circle(1.3, 4), 45, "paint_white", "plastic_blue", "paint_white"),
    "priority": (circle(1.2, 4), 0, "paint_black", "plastic_yellow", "paint_black"),
    "way": (1.2 * _ARROW, 0, "paint_white", "plastic_blue", "paint_white"),
}
_SYMBOLS = (  # strokes: width, height and y of each
    ((1.0, 0.24, 0),),
    ((0.22, 0.55, 0.12), (0.22, 0.2, -0.36)),
    ((0.75, 0.2, 0.17), (0.75, 0.2, -0.17)),
)


def road_sign(genes: Genes) -> Mesh:
    outline, turn, edge, field, mark = _SIGNS[genes.choice(tuple(_SIGNS))]
    height = genes.uniform(1.0, 1.8)
    size = genes.uniform(0.42, 0.58)
    radius = genes.uniform(0.035, 0.055)
    rim = genes.uniform(0.76, 0.86)
    post = genes.choice(("aluminium", "paint_grey", "paint_green", "steel"))
    strokes = genes.choice(_SYMBOLS)
    plate, posts = genes.chance(0.35), genes.choice((1, 1, 2))
    centre, front = height + size, radius + 0.02
    panel = extrude(size * outline, 0.04).turn("z", turn)
    x = 0.0 if posts == 1 else 0.35 * size
    rod = cylinder(radius, centre + 0.2 * size, segments=10).at(x, centre / 2)
    foot = cylinder(3.2 * radius, 0.12, 2.6 * radius, 14).at(x, 0.06)
    parts = {
        "post": (post, both(rod)[:posts]),
        "foot": ("concrete", both(foot)[:posts]),
        "rim": (edge, panel.at(0, centre, front)),
        "field": (field, panel.scale(rim, rim).at(0, centre, front + 0.015)),
        "symbol": (mark, [box(w * size, h * size, 0.05).at(0, centre + y * size, front + 0.03) for w, h, y in strokes]),
    }
    if plate:
        parts["plate"] = ("paint_white", box(1.3 * size, 0.4 * size, 0.04).at(0, height - 0.5 * size, front))
    return assemble(parts)


def traffic_cone(genes: Genes) -> Mesh:
    height = genes.uniform(0.55, 0.95)
    radius = genes.uniform(0.15, 0.21)
    tip = genes.uniform(0.03, 0.05)
    stripes = genes.integer(1, 3)
    share = genes.uniform(0.1, 0.16)
    corners = genes.choice((4, 4, 8))
    skirt = genes.uniform(1.5, 1.85)
    body = genes.choice(("plastic_orange", "plastic_orange", "plastic_red", "plastic_yellow"))
    foot = genes.choice((body, "rubber_black"))
    slope = (tip - radius) / height
    bands = []
    for step in range(stripes):
        middle = height * (0.62 - (step - (stripes - 1) / 2) * 1.9 * share)
        low, high = middle - share * height / 2, middle + share * height / 2
        bands.append(lathe([(radius + slope * low + 0.006, low), (radius + slope * high + 0.006, high)], 24))
    plate = lathe([(skirt * radius, 0), (skirt * radius, 0.035), (0.94 * skirt * radius, 0.05)], corners)
    return assemble({
        "foot": (foot, plate.turn("y", 180 / corners)),
        "collar": (body, torus(radius + 0.005, 0.02, 24, 8).at(0, 0.055)),
        "cone": (body, lathe([(radius, 0.02), (tip, height), (0.7 * tip, height), (0.7 * tip, 0.9 * height)], 24)),
        "stripe": ("paint_white", bands),
    })  # fmt: skip


CLASSES = {make.__name__: make for make in (traffic_light, street_lamp, road_sign, traffic_cone)}

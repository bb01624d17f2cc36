"""Things that people carry and wear."""

import numpy as np

from ndslib.sim.catalogue._common import each, plan, slab, upright
from ndslib.sim.catalogue._revolved import arch, hollow, hoop, radius_at
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
    tube,
)

_CLOTHS = ("denim", "canvas", "camouflage", "tartan", "cotton_red", "cotton_blue", "striped_cloth", "felt_green")
_LEATHERS = ("leather_brown", "leather_black", "leather_tan", "leather_red")
_PLASTICS = ("plastic_black", "plastic_red", "plastic_blue", "plastic_yellow", "plastic_green", "plastic_pink")


def basket(genes: Genes) -> Mesh:
    height, base, oval = genes.uniform(0.7, 1.3), genes.uniform(0.65, 0.85), genes.uniform(1.0, 1.4)
    profile = [(base, 0), (0.55 + base / 2, height / 2), (1, height)]
    rows, top, girth = genes.integer(3, 5), height + genes.uniform(0.7, 1.3), genes.uniform(0.04, 0.08)
    weave, band = genes.choice(("wicker", "straw")), genes.choice(("wicker", "rope", "leather_tan"))
    fill, handled = genes.choice(("fruit", "cloth", "nothing")), genes.chance(0.8)
    food = genes.choice(("apple_skin", "orange_peel", "bread", "lemon_peel"))
    levels = np.linspace(0.1, 0.85, rows) * height
    parts = {
        "body": (weave, hollow(profile, 0.07)),
        "rows": (weave, [hoop(radius_at(profile, y) + 0.01, y, 0.03, 0.7 * height / rows, 4) for y in levels]),
        "rim": (band, hoop(1, height, 0.07, 0.14)),
    }
    if handled:
        parts["handle"] = (band, arch(1.0, 0.9 * height, top, girth))
    else:
        loop = arch(0.28, 0, 0.3, girth).turn("y", 90)
        parts["handles"] = (band, both(loop.at(1.02, height)))
    if fill == "fruit":
        fruit = ball(0.3, segments=10).at(y=height)
        parts["fruit"] = (food, [fruit, *around(fruit.at(0.5, -0.1), 5)])
    elif fill == "cloth":
        parts["cloth"] = ("checker_red", ball(0.93, 0.22, segments=16).at(y=0.95 * height))
    return assemble(each(parts, lambda solid: solid.scale(x=oval)))


def umbrella(genes: Genes) -> Mesh:
    panels, rise, length = genes.integer(6, 10), genes.uniform(0.45, 0.75), genes.uniform(1.6, 2.0)
    scallop, girth, crook = genes.uniform(0.05, 0.16), genes.uniform(0.03, 0.05), genes.uniform(0.13, 0.2)
    cloth = genes.choice((*_CLOTHS, "polka_cloth", "rubber_black", "cotton_white"))
    handle, tilt = genes.choice(("oak", "bamboo_wood", "plastic_black")), genes.uniform(-30, 30)
    angle = np.linspace(0, np.pi / 2, 6)
    shell = np.stack([np.sin(angle), rise * np.cos(angle)], 1)  # from the tip out
    canopy = lathe([*(shell - [0, 0.03]), *shell[::-1]], 4 * panels)
    x, y, z = canopy.vertices.T
    # Between the ribs the hem is drawn in and up.
    slack = scallop * (x**2 + z**2) * np.abs(np.sin(panels / 2 * np.arctan2(z, x)))
    canopy = Solid(np.stack([x * (1 - slack), y + slack, z * (1 - slack)], 1), canopy.faces)
    rib = tube(upright(shell)[::2] - [0, 0.02, 0], 0.022, 6)
    bow = np.pi * np.linspace(1, 2, 9)
    hook = [(0, -0.72 * length), *np.stack([crook + crook * np.cos(bow), crook * np.sin(bow) - length + crook], 1)]
    parts = {
        "canopy": (cloth, canopy),
        "ribs": ("steel", around(rib, panels)),
        "tips": ("steel", around(ball(0.035, segments=6).at(x=1), panels)),
        "shaft": ("steel", bar((0, -0.75 * length, 0), (0, rise, 0), girth)),
        "handle": (handle, tube(upright(hook), 1.7 * girth)),
        "ferrule": (handle, cylinder(0.05, 0.22, 0.02, 8).at(y=rise + 0.1)),
    }
    return assemble(each(parts, lambda solid: solid.turn("z", tilt)))


def suitcase(genes: Genes) -> Mesh:
    """An old-fashioned case with straps, or an upright one with wheels and a pull-out handle."""
    width, depth, height = genes.uniform(1.8, 2.2), genes.uniform(0.5, 0.75), genes.uniform(1.2, 1.5)
    straps, place, out = genes.integer(2, 3), genes.uniform(0.5, 0.75), genes.uniform(0.5, 0.9)
    shell, trim = genes.choice(_LEATHERS + _PLASTICS), genes.choice(("leather_tan", "leather_black", "steel"))
    wheeled = genes.chance(0.4)
    if wheeled:
        width, height = 1.3, width
    x, y, z = width / 2, height / 2, depth / 2
    strap, corner = slab(0.14, 1.03 * height, 1.04 * depth), ball(0.17, segments=8)
    parts = {
        "shell": (shell, slab(width, height, depth)),
        "seam": (trim, slab(1.02 * width, 1.02 * height, 0.08)),
        "handle": (trim, arch(0.5 * x, y - 0.05, y + 0.25, 0.06)),
        "straps": (trim, [strap.at(share * place * x) for share in np.linspace(-1, 1, straps)]),
        "corners": (trim, _mirrored(corner.at(x - 0.12, y - 0.1, z - 0.1), "xyz")),
    }
    if wheeled:
        rod = bar((0.6 * x, y - 0.1, -0.6 * z), (0.6 * x, y + out, -0.6 * z), 0.04)
        parts["pull-out handle"] = ("aluminium", [*both(rod), slab(0.7 * width, 0.12, 0.14).at(0, y + out, -0.6 * z)])
        wheel = cylinder(0.13, 0.1, segments=14).turn("z", 90)
        parts["wheels"] = ("rubber_black", _mirrored(wheel.at(0.76 * x, -y - 0.07, 0.6 * z), "xz"))
    else:
        parts["latches"] = ("brass", both(slab(0.2, 0.16, 0.08).at(0.5 * x, y - 0.12, z)))
    return assemble(parts)


def _mirrored(solid: Solid, axes: str) -> list[Solid]:
    """Copies on both sides across each of the axes."""
    solids = [solid]
    for axis in axes:
        solids = [copy for one in solids for copy in both(one, axis)]
    return solids


def _pouch(width: float, height: float, depth: float, power: float = 4.0) -> Solid:
    """A soft bag that stands on y = 0."""
    profile = [(0.75, 0), (0.97, 0.07), (1, 0.4), (0.93, 0.75), (0.72, 0.93), (0.35, 1)]
    return lathe(smooth(profile, 2), 16, power).scale(width / 2, height, depth / 2)


def backpack(genes: Genes) -> Mesh:
    width, height, depth = genes.uniform(1.2, 1.6), genes.uniform(1.6, 2.3), genes.uniform(0.7, 1.0)
    pocket, bulge, flap = genes.uniform(0.35, 0.5) * height, genes.uniform(0.3, 0.5), genes.uniform(0.3, 0.45)
    cloth, accent = genes.choice(_CLOTHS + _PLASTICS[:3]), genes.choice(_CLOTHS + _LEATHERS)
    strap, side, rolled = genes.choice(_LEATHERS), genes.uniform(0.3, 0.5) * height, genes.chance(0.45)
    lid = _pouch(1.06 * width, flap * height, 1.1 * depth).at(y=(1.03 - 0.8 * flap) * height)
    harness = [(0.3 * width, 0.9 * height, -0.3 * depth), (0.36 * width, 0.85 * height, -0.8 * depth),
               (0.4 * width, 0.5 * height, -0.95 * depth), (0.45 * width, 0.1 * height, -0.35 * depth)]  # fmt: skip
    front = depth / 2 + 0.12
    belt = slab(0.1 * width, 0.6 * height, 0.05).at(0.25 * width, 0.58 * height, front)
    parts = {
        "body": (cloth, _pouch(width, height, depth)),
        "flap": (accent, lid),
        "pocket": (accent, _pouch(0.75 * width, pocket, bulge).at(0, 0.04 * height, depth / 2)),
        "side pockets": (accent, both(_pouch(0.35, side, 0.6 * depth).at(width / 2, 0.03 * height))),
        "shoulder straps": (strap, both(tube(smooth(harness, 4), 0.09, 8))),
        "buckled straps": (strap, both(belt)),
        "buckles": ("brass", both(slab(0.15 * width, 0.12, 0.1).at(0.25 * width, 0.6 * height, front + 0.02))),
        "loop": (strap, arch(0.15 * width, 0.98 * height, 1.15 * height, 0.05).at(z=-0.2 * depth)),
    }
    if rolled:
        mat = cylinder(0.22, 1.15 * width, segments=16).turn("z", 90).at(y=1.17 * height)
        parts["rolled mat"] = (genes.choice(("wool_grey", "knit_red", "felt_green")), mat)
    return assemble(parts)


_CROWNS = {  # (radius, height) shares of a hat's crown, from the brim up
    "top hat": [(1, 0), (0.95, 0.4), (1.02, 0.9), (1.06, 1.0)],
    "bowler": [(1, 0), (1, 0.25), (0.86, 0.45), (0.5, 0.58), (0.1, 0.62)],
    "straw hat": [(1, 0), (0.98, 0.38), (0.92, 0.42)],
    "cowboy hat": [(1, 0), (0.95, 0.35), (0.85, 0.6), (0.6, 0.68), (0.35, 0.6)],
    "wizard's hat": [(1, 0), (0.6, 0.6), (0.3, 1.2), (0.05, 1.8)],
}


def hat(genes: Genes) -> Mesh:
    style = genes.choice(tuple(_CROWNS))
    brim, rise, oval = genes.uniform(0.3, 0.8), genes.uniform(1.0, 1.6), genes.uniform(1.0, 1.2)
    curl, band = genes.uniform(0.04, 0.12), genes.uniform(0.1, 0.25)
    felt = genes.choice(("felt_green", "wool_grey", "wool_brown", "velvet_red", "leather_black", "cotton_blue"))
    ribbon = genes.choice(("silk", "velvet_red", "leather_tan", "paint_black"))
    trim, plume = genes.choice(("feather", "flower", "none")), genes.choice(("feathers_white", "feathers_blue"))
    cloth, curl = {"straw hat": ("straw", curl), "cowboy hat": ("leather_brown", 3 * curl)}.get(style, (felt, curl))
    crown = np.array(_CROWNS[style]) * [1, rise]
    disc = lathe([(1 + brim, 0), (1 + brim, 0.06), (0.9, 0.08), (0, 0.08)], 28).bend("x", "y", curl)
    parts = {
        "brim": (cloth, disc.scale(z=oval)),
        "crown": (cloth, lathe(smooth(crown, 4), 28).at(y=0.03).scale(z=oval)),
        "band": (ribbon, hoop(1.0, 0.1 + band / 2, 0.04, band).scale(z=oval)),
    }
    if trim == "feather":
        quill = smooth([(0, 0, 0), (0.05, 0.5, -0.1), (0, 0.95, -0.4)], 5)
        vane = tube(quill, 0.16 * np.sin(np.linspace(0.15, np.pi, 11)) + 0.01, section=circle(1.0, 8) * [1, 0.25])
        parts["feather"] = (plume, vane.at(1.02, 0.15, 0.2))
    elif trim == "flower":
        petals = around(ball(0.16, 0.1, 0.06, 8).at(x=0.16), 5, "z")
        parts["flower"] = ("petal_pink", [petal.turn("y", 30).at(0.5, 0.25, 0.93 * oval) for petal in petals])
    return assemble(parts)


def boot(genes: Genes) -> Mesh:
    """The toe points to +z."""
    shaft, girth, length = genes.uniform(0.6, 1.7), genes.uniform(0.38, 0.48), genes.uniform(1.1, 1.4)
    heel, toe, flare = genes.uniform(0.15, 0.4), genes.uniform(0.24, 0.36), genes.uniform(1.0, 1.25)
    upper = genes.choice((*_LEATHERS, "rubber_black", "rubber_red", "plastic_yellow", "plastic_green"))
    sole, cuff = genes.choice(("rubber_black", "leather_black")), genes.choice((upper, "fur_white", "leather_tan"))
    style, top = genes.choice(("laced", "buckled", "plain")), heel + 0.8 + shaft
    stations = [(-0.42, 0.2, 0.55), (-0.36, 0.33, 0.7), (0, 0.36, 0.75), (0.4 * length, 0.36, 0.52),
                (0.75 * length, 0.38, 0.38), (0.92 * length, 0.32, 0.32), (length, 0.14, 0.7 * toe)]  # fmt: skip
    ring = circle(1.0, 16, 2.6)
    foot = [np.c_[half * ring[:, 0], heel + rise * (1 + ring[:, 1]) / 2, np.full(16, z)] for z, half, rise in stations]
    edge = smooth([(0, -0.46), (0.34, -0.3), (0.33, 0.15), (0.42, 0.7 * length), (0.2, length), (0, 1.05 * length)], 4)
    lace = bar((-0.17, heel + 0.55, 0.5), (0.17, heel + 0.6, 0.5), 0.035, sides=6)
    parts = {
        "foot": (upper, loft(foot)),
        "shaft": (upper, hollow([(girth, heel + 0.4), (0.92 * girth, heel + 0.9), (flare * girth, top)], 0.05)),
        "sole": (sole, plan(np.concatenate([edge, edge[-2:0:-1] * [-1, 1]]), 0.12).at(y=heel - 0.06)),
        "heel": (sole, slab(0.62, heel, 0.5).at(0, heel / 2, -0.2)),
        "cuff": (cuff, hoop(flare * girth, top - 0.03, 0.06, 0.2)),
    }
    if style == "laced":
        parts["laces"] = ("paint_cream", [lace.at(y=0.13 * step, z=-0.025 * step) for step in range(5)])
    elif style == "buckled":
        parts["strap"] = ("leather_tan", hoop(girth, heel + 0.85, 0.05, 0.14))
        parts["buckle"] = ("brass", slab(0.1, 0.22, 0.2).at(girth + 0.03, heel + 0.85))
    return assemble(parts)


def spectacles(genes: Genes) -> Mesh:
    width, height, power = genes.uniform(0.55, 0.75), genes.uniform(0.42, 0.6), genes.choice((2.0, 2.0, 3.0, 5.0))
    girth, gap, length = genes.uniform(0.035, 0.08), genes.uniform(0.1, 0.2), genes.uniform(1.3, 1.8)
    frame = genes.choice((*_PLASTICS, "gold", "steel", "tortoiseshell"))
    glass = genes.choice(("glass_clear", "glass_clear", "plastic_black", "glass_brown"))
    wrap, drop = genes.uniform(2, 8), genes.uniform(0.15, 0.35)
    ring = circle(1.0, 24, power) * [width, height]
    centre = width + gap
    hinge = width + centre
    temple = [(hinge, 0.1, 0), (hinge + 0.04, 0.1, -0.1), (hinge, 0.1, -0.75 * length), (hinge, 0.1 - drop, -length)]
    bridge = [(-gap - 0.03, 0.1, 0), (0, 0.2, 0.06), (gap + 0.03, 0.1, 0)]
    rim = tube(upright(ring), girth, 8, closed=True).turn("y", wrap).at(centre)
    return assemble({
        "rims": (frame, both(rim)),
        "lenses": (glass, both(extrude(ring, 0.04).turn("y", wrap).at(centre))),
        "bridge": (frame, tube(smooth(bridge, 4), girth, 8)),
        "temples": (frame, both(tube(smooth(temple, 4), 0.9 * girth, 8))),
        "nose pads": ("plastic_grey", both(ball(0.04, 0.09, 0.07, 8).at(gap, -0.1, -0.08))),
    })  # fmt: skip


CLASSES = {make.__name__: make for make in (basket, umbrella, suitcase, backpack, hat, boot, spectacles)}

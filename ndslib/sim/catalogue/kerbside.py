"""What stands at the kerb: hydrants, boxes, booths and bins. Lengths are in metres; fronts face +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    around,
    assemble,
    ball,
    bar,
    both,
    box,
    circle,
    cylinder,
    dome,
    extrude,
    lathe,
    smooth,
    torus,
    tube,
)


def fire_hydrant(genes: Genes) -> Mesh:
    height = genes.uniform(0.62, 0.85)
    radius = genes.uniform(0.12, 0.16)
    cap = genes.uniform(0.1, 0.2)
    outlet = genes.uniform(0.45, 0.6) * radius
    flange = genes.uniform(1.25, 1.5)
    ribs = genes.integer(0, 8)
    paint = genes.choice(("paint_red", "paint_red", "paint_yellow", "paint_orange"))
    trim = genes.choice((paint, "paint_white", "paint_blue", "brass"))
    nut, chains = genes.integer(4, 6), genes.chance(0.5)
    level = genes.uniform(0.6, 0.72) * height
    ring = flange * radius
    column = lathe([(1.45 * radius, 0), (1.45 * radius, 0.06), (radius, 0.1), (radius, 0.86 * height),
                    (ring, 0.88 * height), (ring, 0.96 * height), (radius, height)], 20)  # fmt: skip
    pipe = cylinder(outlet, 0.4 * radius, segments=14).at(0, 1.05 * radius)
    lid = cylinder(1.25 * outlet, 0.4 * radius, 1.1 * outlet, 8).at(0, 1.4 * radius)
    stud = cylinder(0.35 * outlet, 0.3 * radius, segments=5).at(0, 1.7 * radius)
    sides = ((("z", 90), 1.0), (("z", -90), 1.0), (("x", 90), 1.35))  # the front outlet is the largest
    caps = [solid.scale(size, 1, size).turn(*turn).at(0, level) for turn, size in sides for solid in (lid, stud)]
    parts = {
        "column": (paint, [column, *around(box(0.03, 0.5 * height, 0.03).at(radius, 0.42 * height), ribs)]),
        "outlet": (paint, [pipe.scale(size, 1, size).turn(*turn).at(0, level) for turn, size in sides]),
        "outlet cap": (trim, caps),
        "dome": (trim, dome(1.02 * radius, cap, 20).at(0, height - 0.01)),
        "nut": (trim, cylinder(0.35 * radius, 0.1, segments=nut).at(0, height + cap + 0.02)),
        "bolts": ("iron", around(cylinder(0.018, 0.05, segments=6).at(1.25 * radius, 0.08), 8)),
    }
    if chains:
        path = smooth([(1.4 * radius, -outlet, 0), (1.2 * radius, -0.16, 0.06), (0.9 * radius, -0.12, 0.1)])
        parts["chain"] = ("iron", both(tube(path, 0.012, 6).at(0, level)))
    return assemble(parts)


def mailbox(genes: Genes) -> Mesh:
    """A kerb-side box on a post, a pillar box or a box with a rounded top on legs."""
    style = genes.choice((_kerb_box, _pillar_box, _legged_box))
    width = genes.uniform(0.85, 1.15)
    height = genes.uniform(0.9, 1.2)
    paint = genes.choice(("paint_red", "paint_blue", "paint_yellow", "paint_green", "paint_navy"))
    trim = genes.choice(("paint_black", "paint_white", "brass"))
    detail = genes.uniform(0, 1)
    return assemble(style(width, height, paint, trim, detail))


def _kerb_box(width: float, height: float, paint: str, trim: str, detail: float) -> dict:
    half = 0.15 * width
    arch = [(-half, 0), (half, 0), *(circle(half, 24)[:13] + np.array([0, 0.2]))]
    outline = extrude(arch, 0.55)
    flag = [box(0.02, 0.26, 0.03).at(half + 0.02, 0.28, 0.1), box(0.02, 0.09, 0.14).at(half + 0.02, 0.37, 0.05)]
    return {
        "post": (("oak", "plywood", "driftwood")[int(3 * detail)], box(0.1, height, 0.1).at(0, height / 2)),
        "shelf": ("oak", box(1.6 * half, 0.05, 0.5).at(0, height)),
        "body": (paint, outline.at(0, height + 0.02)),
        "door": (trim, outline.scale(0.94, 0.94, 0.05).at(0, height + 0.035, 0.28)),
        "knob": ("brass", ball(0.035, segments=10).at(0, height + 0.28, 0.31)),
        "flag": ("plastic_red", [solid.at(0, height) for solid in flag]),
    }


def _pillar_box(width: float, height: float, paint: str, trim: str, detail: float) -> dict:
    radius = 0.24 * width
    tall = 1.2 * height
    eaves = 1.14 * radius
    crown = [(eaves, 0), (eaves, 0.06), (0.9 * radius, 0.1), (0.02, 0.12 + 0.1 * detail)]
    return {
        "base": ("paint_black", cylinder(1.08 * radius, 0.16, segments=24).at(0, 0.08)),
        "body": (paint, cylinder(radius, tall, segments=24).at(0, tall / 2)),
        "cap": (paint, lathe(crown, 24).at(0, tall)),
        "slot": ("plastic_black", box(1.1 * radius, 0.06, 0.1).at(0, 0.86 * tall, 0.93 * radius)),
        "notice": ("paint_white", box(0.7 * radius, 0.22, 0.1).at(0, 0.66 * tall, 0.94 * radius)),
        "door": (trim, box(1.0 * radius, 0.03, 0.1).at(0, 0.5 * tall, 0.93 * radius)),
    }


def _legged_box(width: float, height: float, paint: str, trim: str, detail: float) -> dict:
    half, low, top = 0.26 * width, 0.12 + 0.15 * detail, 0.75 * height
    arch = [(half, low), (half, top), *(circle(half, 24)[1:12] + np.array([0, top])), (-half, top), (-half, low)]
    legs = [box(0.06, low + 0.05, 0.06).at(sign * 0.85 * half, low / 2, z) for sign in (1, -1) for z in (-0.2, 0.2)]
    return {
        "body": (paint, extrude(arch, 0.5).turn("y", 90)),
        "leg": (paint, legs),
        "hatch": (trim, box(0.4, 0.04, 0.06).at(0, top + 0.02, half)),
        "handle": ("aluminium", bar((-0.12, top - 0.06, half + 0.05), (0.12, top - 0.06, half + 0.05), 0.02, sides=8)),
        "label": ("paint_white", box(0.34, 0.2, 0.02).at(0, top - 0.25, half + 0.005)),
    }


def phone_booth(genes: Genes) -> Mesh:
    half = genes.uniform(0.42, 0.52)
    height = genes.uniform(2.1, 2.5)
    rows, columns = genes.integer(2, 7), genes.integer(1, 3)
    frame = genes.uniform(0.05, 0.09)
    paint = genes.choice(("paint_red", "paint_red", "paint_green", "paint_blue", "aluminium"))
    crown = genes.uniform(0.06, 0.3)
    sill = genes.uniform(0.25, 0.7)
    low, high = sill, height - 0.3
    posts = around(box(1.6 * frame, height, 1.6 * frame).at(half, height / 2, half), 4)
    rails = [box(2 * half, 0.5 * frame, frame).at(0, y, half) for y in np.linspace(low, high, rows + 1)]
    mullions = [box(0.5 * frame, high - low, frame).at(x, (low + high) / 2, half)
                for x in np.linspace(-half, half, columns + 2)[1:-1]]  # fmt: skip
    panels = [box(2 * half, top - bottom, 2 * half).at(0, (top + bottom) / 2)
              for bottom, top in ((0.01, sill), (high, height + 0.02))]  # fmt: skip
    sign = box(1.5 * half, 0.16, 0.06).at(0, height - 0.13, half + 0.03)
    return assemble({
        "plinth": ("concrete", box(2.3 * half, 0.12, 2.3 * half).at(0, 0.06)),
        "post": (paint, posts),
        "glazing bar": (paint, [solid for rail in rails + mullions for solid in around(rail, 4)]),
        "glass": (GLASS, box(1.96 * half, high - low, 1.96 * half).at(0, (low + high) / 2)),
        "panel": (paint, panels),
        "roof": (paint, [box(2.25 * half + frame, 0.08, 2.25 * half + frame, 0.018).at(0, height + 0.04),
                         dome(1.3 * half, crown, 24).at(0, height + 0.07)]),
        "sign": ("paint_white", around(sign, 4)),
        "handle": ("chrome", box(0.04, 0.2, 0.06).at(0.75 * half, 1.05, half + 0.06)),
    })  # fmt: skip


def litter_bin(genes: Genes) -> Mesh:
    style = genes.choice(("slatted", "domed", "wheeled"))
    radius = genes.uniform(0.24, 0.32)
    height = genes.uniform(0.75, 1.0)
    flare = genes.uniform(0.8, 0.95)
    slats = genes.integer(14, 22)
    paint = genes.choice(("paint_green", "paint_black", "paint_grey", "paint_blue", "paint_red"))
    trim = genes.choice(("paint_black", "aluminium", "paint_yellow"))
    plastic = genes.choice(("plastic_green", "plastic_blue", "plastic_grey"))
    wooden = genes.chance(0.4)
    if style == "wheeled":
        return assemble(_wheeled_bin(radius, height, flare, plastic))
    lip = lathe([(0.95 * radius, -0.1), (1.06 * radius, 0), (1.06 * radius, 0.06), (radius, 0.08), (0.8 * radius, 0.08),
                 (0.75 * radius, -0.05)], 24)  # fmt: skip
    parts = {
        "foot": ("cast_iron", cylinder(0.95 * flare * radius, 0.08, segments=20).at(0, 0.04)),
        "rim": (trim, lip.at(0, height)),
    }
    if style == "slatted":
        slat = bar((flare * radius, 0.1, 0), (radius, height + 0.03, 0), 0.024, sides=6)
        hoops = [torus(radius * (flare + (1 - flare) * y), 0.022, 24, 6).at(0, y * height) for y in (0.12, 0.5)]
        parts["slat"] = ("oak" if wooden else paint, around(slat, slats))
        parts["liner"] = ("plastic_black", lathe([(0.9 * flare * radius, 0.06), (0.92 * radius, height - 0.02)], 20))
        parts["hoop"] = (trim, hoops)
        return assemble(parts)
    posts = around(bar((0.9 * radius, height, 0), (0.9 * radius, height + 0.25, 0), 0.025, sides=6), 4, start=45)
    hood = lathe([(1.05 * radius, 0), (1.05 * radius, 0.04), (0.75 * radius, 0.16), (0.02, 0.22)], 24)
    parts["body"] = (paint, lathe([(flare * radius, 0.06), (radius, height)], 24))
    parts["band"] = (trim, cylinder(1.02 * radius, 0.09, segments=24).at(0, 0.72 * height))
    parts["hood"] = (paint, [hood.at(0, height + 0.24), *posts])
    return assemble(parts)


def _wheeled_bin(radius: float, height: float, flare: float, plastic: str) -> dict:
    half, deep = radius, 1.15 * radius
    body = box(2 * half, height, 2 * deep).taper("y", 0.8 * flare, 1.0).at(0, height / 2 + 0.05)
    lid = box(2.12 * half, 0.07, 2.12 * deep, 0.015).turn("x", 5).at(0, height + 0.1)
    tyre = cylinder(0.12, 0.07, segments=16).turn("z", 90).at(0.8 * half, 0.12, -0.8 * deep)
    grip = (0.7 * half, height + 0.02, -1.2 * deep)
    handle = bar((-grip[0], *grip[1:]), grip, 0.025, sides=8)
    stays = both(bar(grip, (grip[0], height - 0.02, -0.9 * deep), 0.025, sides=8))
    return {
        "body": (plastic, [body, box(2.1 * half, 0.06, 2.1 * deep).at(0, height + 0.02)]),
        "lid": (plastic, lid),
        "wheel": ("rubber_black", both(tyre)),
        "handle": ("plastic_black", [handle, *stays]),
        "label": ("paint_white", box(0.9 * half, 0.2, 0.04).turn("x", 4).at(0, 0.7 * height, 0.96 * deep)),
    }


CLASSES = {make.__name__: make for make in (fire_hydrant, mailbox, phone_booth, litter_bin)}

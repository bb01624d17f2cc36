"""Screens, telephones and cameras. Lengths are in decimetres; screens, dials and lenses face +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS
from ndslib.sim.catalogue._common import disc, each, slab
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import around, assemble, ball, bar, both, box, cylinder, extrude, lathe, smooth, tube

CASES = ("plastic_black", "plastic_white", "plastic_grey", "aluminium")
BRIGHT = ("plastic_red", "plastic_blue", "plastic_yellow", "plastic_green", "plastic_pink", "plastic_white")


def computer_monitor(genes: Genes) -> Mesh:
    wide = genes.uniform(4.2, 6.0)
    tall = wide * genes.uniform(0.52, 0.74)
    thick = genes.uniform(0.25, 0.55)
    rim = genes.uniform(0.12, 0.3)
    chin = genes.uniform(0.1, 0.6)
    neck = genes.uniform(0.7, 1.5)
    tilt = genes.uniform(-10, 2)
    case = genes.choice(CASES)
    foot = genes.choice(("round", "plate", "legs"))
    picture_tube = genes.chance(0.25)
    keys = [box(0.14, 0.09, 0.1).at(0.42 * wide - 0.26 * n, -tall / 2 - chin / 2 + 0.1, thick / 2) for n in range(3)]
    bulk = box(0.85 * wide, 0.85 * tall, 2.0).taper("z", 0.55, 1.0).at(0, 0, -1.0)
    back = bulk if picture_tube else slab(0.5 * wide, 0.5 * tall, 0.5).at(0, 0, -0.3)
    head = {
        "case": (case, box(wide, tall + chin, thick, 0.2 * thick).at(0, -chin / 2)),
        "back": (case, back),
        "screen": ("screen", box(wide - 2 * rim, tall - 2 * rim, 0.1).at(0, 0, thick / 2)),
        "button": ("lamp_glow", keys),
    }
    half = 0.32 * wide
    chevron = extrude([(-half, 0), (0, 1.3), (half, 0), (0.85 * half, 0), (0, 0.9), (-0.85 * half, 0)], 0.2)
    base = {"round": cylinder(0.26 * wide, 0.14, segments=28).scale(1, 1, 0.75), "plate": slab(0.42 * wide, 0.16, 1.8),
            "legs": chevron.turn("x", 90).at(0, 0, -0.4)}[foot]  # fmt: skip
    middle = neck + tall / 2 + chin
    parts = each(head, lambda solid: solid.turn("x", tilt).at(0, middle))
    parts["neck"] = (case, box(0.6, middle, 0.26, 0.05).at(0, middle / 2, -0.5 * thick - 0.1))
    parts["base"] = (case, base.at(0, 0.08))
    return assemble(parts)


def laptop(genes: Genes) -> Mesh:
    wide = genes.uniform(2.8, 3.8)
    deep = wide * genes.uniform(0.64, 0.76)
    thick = genes.uniform(0.12, 0.26)
    lid = genes.uniform(0.07, 0.13)
    opening = genes.uniform(8, 38)  # how far the lid leans back
    rim = genes.uniform(0.1, 0.24)
    case = genes.choice((*CASES, "paint_red", "paint_blue", "paint_pink"))
    key = genes.choice(("plastic_black", "plastic_white", "plastic_grey"))
    rows, columns = genes.integer(4, 5), genes.integer(10, 13)
    pad = genes.uniform(0.28, 0.42) * wide
    hinge = genes.uniform(0.2, 0.7)
    step_x, step_z = 0.84 * wide / columns, 0.44 * deep / rows
    xs = (np.arange(columns) - (columns - 1) / 2) * step_x
    zs = (np.arange(rows) + 0.9) * step_z - 0.42 * deep
    cap = box(0.8 * step_x, 0.05, 0.78 * step_z)
    reach = (0.25 + 0.3 * hinge) * wide
    upper = {
        "lid": (case, box(wide, deep, lid, 0.2 * lid).at(0, deep / 2)),
        "screen": ("screen", box(wide - 2 * rim, deep - 2.2 * rim, 0.04).at(0, deep / 2 + 0.1 * rim, lid / 2)),
        "webcam": ("glass_clear", disc(0.045, 0.05, 10).at(0, deep - 0.5 * rim, lid / 2)),
    }
    parts = {
        "base": (case, box(wide, thick, deep, 0.2 * thick).at(0, thick / 2)),
        "key": (key, [cap.at(x, thick, z) for z in zs for x in xs]),
        "touchpad": ("plastic_grey", box(pad, 0.04, 0.24 * deep).at(0, thick, 0.32 * deep)),
        "hinge": ("plastic_black", both(bar((0.25 * wide, thick, -deep / 2), (reach, thick, -deep / 2), 0.09))),
    }
    return assemble(parts | each(upper, lambda solid: solid.turn("x", -opening).at(0, thick + 0.02, -deep / 2)))


def television(genes: Genes) -> Mesh:
    """A set with a picture tube."""
    wide = genes.uniform(4.5, 6.2)
    tall = wide * genes.uniform(0.68, 0.85)
    deep = genes.uniform(1.8, 3.0)
    panel = genes.uniform(0.2, 0.28) * wide  # the strip with the knobs
    case = genes.choice(("walnut", "oak", "plastic_white", "plastic_red", "plastic_orange", "mahogany"))
    front = genes.choice(("plastic_grey", "aluminium", "plastic_black", "paint_cream"))
    knobs = genes.integer(2, 3)
    legs, aerial = genes.chance(0.5), genes.chance(0.8)
    leg, spread = genes.uniform(1.2, 2.4), genes.uniform(20, 45)
    bulge, slots = genes.uniform(0.12, 0.3), genes.integer(4, 7)
    width = wide - panel - 0.6
    x, knob_x, front_z = -wide / 2 + 0.3 + width / 2, wide / 2 - panel / 2 - 0.15, deep / 2
    picture = lathe([(1.0, 0), (0.92, 0.5 * bulge), (0.5, bulge), (0.02, 1.08 * bulge)], 24, 5.0).turn("x", 90)
    frame = lathe([(1.08, -0.1), (1.08, 0.12), (1.0, 0.1)], 24, 5.0).turn("x", 90)
    glass = (0.5 * width, 0.42 * tall, 1)
    ys = 0.3 * tall - 0.8 * panel * np.arange(knobs)
    knob, pointer = disc(0.32 * panel, 0.3, 16), box(0.06, 0.5 * panel, 0.06).turn("z", -30)
    slot = box(0.7 * panel, 0.05, 0.1)
    back = box(0.75 * wide, 0.75 * tall, 1.2).taper("z", 0.6, 1.0).at(0, 0, -front_z - 0.5)
    parts = {
        "case": (case, [box(wide, tall, deep, 0.09 * tall), back]),
        "front": (front, box(panel, 0.9 * tall, 0.1).at(knob_x, 0, front_z)),
        "frame": (front, frame.scale(*glass).at(x, 0, front_z)),
        "screen": ("screen", picture.scale(*glass).at(x, 0, front_z + 0.05)),
        "knob": ("plastic_black", [knob.at(knob_x, y, front_z + 0.05) for y in ys]),
        "pointer": ("paint_white", [pointer.at(knob_x, y, front_z + 0.2) for y in ys]),
        "speaker": ("paint_black", [slot.at(knob_x, y, front_z + 0.02) for y in 0.13 * np.arange(slots) - 0.42 * tall]),
    }
    if aerial:
        tip = np.array([2.8 * np.sin(np.radians(spread)), tall / 2 + 2.8 * np.cos(np.radians(spread)), -0.3])
        rods = both(bar((0, tall / 2, -0.3), tip, 0.05, sides=6)) + both(ball(0.11, segments=8).at(*tip))
        parts["aerial"] = ("chrome", [*rods, ball(0.4, 0.3, 0.4, 14).at(0, tall / 2, -0.3)])
    if legs:
        stand = bar((0.36 * wide, -0.47 * tall, 0.3 * deep), (0.46 * wide, -0.5 * tall - leg, 0.42 * deep), 0.16, 0.09)
        parts["leg"] = ("oak", [side for pair in both(stand) for side in both(pair, "z")])
    return assemble(parts)


def telephone(genes: Genes) -> Mesh:
    """A desk telephone with a dial or keys."""
    wide = genes.uniform(1.5, 1.9)
    deep = genes.uniform(1.7, 2.2)
    tall = genes.uniform(0.8, 1.1)
    top = genes.uniform(0.5, 0.65)  # share of the width
    rotary = genes.chance(0.6)
    case = genes.choice((*BRIGHT, "plastic_black", "plastic_black"))
    dial_size = genes.uniform(0.5, 0.6)
    handset = genes.uniform(0.9, 1.1)
    cup = genes.uniform(0.27, 0.34)
    arc = genes.uniform(0.12, 0.28)
    trim = genes.choice(("plastic_white", "chrome", "brass"))
    coils = genes.integer(9, 14)
    back, front = -0.45 * deep, 0.55 * deep
    outline = [(front, 0), (front, 0.2), (-0.05 * deep, tall), (back + 0.15, tall), (back, 0.3), (back, 0)]
    body = extrude(outline, wide).turn("y", -90).taper("y", 1.0, top + 0.2)
    slope = np.degrees(np.arctan2(tall - 0.2, front + 0.05 * deep))
    centre = (0, 0.14 + tall / 2 + 0.06, 0.27 * deep)
    face = _dial(dial_size, trim) if rotary else _keypad(dial_size, trim)
    lift, reach, z = tall + 0.3, 0.75 * wide * handset, -0.25 * deep
    grip = smooth([(-reach, lift, z), (-0.6 * reach, lift + arc, z), (0.6 * reach, lift + arc, z), (reach, lift, z)], 4)
    piece = lathe([(0.75 * cup, -0.3), (cup, -0.22), (cup, -0.02), (0.6 * cup, 0.12)], 16).turn("z", 12)
    share = np.linspace(0, 1, 8 * coils)
    turn = 2 * np.pi * coils * share
    cord = np.c_[0.09 * np.cos(turn) - 0.5 * wide - 0.25 - 0.25 * np.sin(np.pi * share),
                 0.09 * np.sin(turn) + 0.1 + (lift - 0.4) * (1 - share), 0.9 * share - 0.3]  # fmt: skip
    parts = {
        "body": (case, body),
        "cradle": (case, both(box(0.22, 0.42, 0.5, 0.05).at(0.32 * wide, tall + 0.05, z))),
        "handset": (case, [tube(grip, 0.15, 8), *both(piece.at(reach, lift, z))]),
        "cord": ("rubber_black", tube(cord, 0.035, 4)),
        **each(face, lambda solid: solid.turn("x", -90 + slope).at(*centre)),
    }
    return assemble(parts)


def _dial(radius: float, trim: str) -> dict:
    """A finger wheel facing +z."""
    hole = disc(0.13 * radius, 0.04, 10).at(0.68 * radius, 0, 0.13)
    return {"dial": (trim, disc(radius, 0.2)), "hole": ("paint_black", around(hole, 12, "z")[:10]),
            "hub": ("plastic_red", disc(0.36 * radius, 0.28, 18))}  # fmt: skip


def _keypad(size: float, trim: str) -> dict:
    key = slab(0.4 * size, 0.34 * size, 0.2)
    keys = [key.at(x * 0.52 * size, y * 0.45 * size, 0.1) for x in (-1, 0, 1) for y in (-1.5, -0.5, 0.5, 1.5)]
    return {"panel": ("plastic_black", box(1.75 * size, 1.95 * size, 0.12)), "key": (trim, keys)}


def camera(genes: Genes) -> Mesh:
    wide = genes.uniform(1.25, 1.6)
    tall = genes.uniform(0.78, 0.98)
    deep = genes.uniform(0.4, 0.6)
    lens = genes.uniform(0.28, 0.38)
    reach = genes.uniform(0.35, 1.0)
    offset = genes.uniform(-0.12, 0.05)
    case = genes.choice(("plastic_black", "leather_brown", "leather_black", "plastic_red", "aluminium"))
    metal = genes.choice(("chrome", "aluminium", "plastic_black", "brass"))
    finder = genes.choice(("prism", "window", "prism"))
    rings, grip, strap = genes.integer(2, 4), genes.chance(0.5), genes.chance(0.4)
    strap_cloth = genes.choice(("leather_brown", "leather_black", "cotton_red"))
    front, cap = deep / 2, 0.24 * tall
    barrel = lathe([(1.1, 0), (1.1, 0.12), (1, 0.14), (1, 0.6), (1.06, 0.65), (1.06, 1), (0.88, 1), (0.8, 0.85)], 24)
    pane = lathe([(0.84, 0), (0.5, 0.07), (0.02, 0.1)], 20)
    level = -0.08 * tall
    trims = [disc(1.04 * lens, 0.05).at(offset, level, front + z) for z in np.linspace(0.17, 0.59, rings) * reach]
    hump = box(0.5 * wide, 0.36 * tall, 0.9 * deep).taper("y", 1.0, 0.55).at(offset, 0.62 * tall)
    window = box(0.3 * wide, 0.18 * tall, 0.08)
    buttons = [cylinder(0.09, 0.14, segments=14).at(-0.37 * wide, tall / 2 + 0.05),
               cylinder(0.14, 0.12, segments=18).at(0.36 * wide, tall / 2 + 0.04)]  # fmt: skip
    parts = {
        "body": (case, box(wide, tall - cap, deep, 0.06).at(0, -cap / 2)),
        "top plate": (metal, box(wide, cap, deep, 0.05).at(0, tall / 2 - cap / 2)),
        "lens": ("plastic_black", barrel.scale(lens, reach, lens).turn("x", 90).at(offset, level, front)),
        "lens ring": (metal, trims),
        "glass": (GLASS, pane.scale(lens, 1, lens).turn("x", 90).at(offset, level, front + 0.84 * reach)),
        "shutter button": ("chrome", buttons),
        "flash": ("lamp_glow", window.at(0.32 * wide, 0.36 * tall, front)),
    }
    if finder == "prism":
        parts["viewfinder"] = (metal, hump)
    else:
        parts["viewfinder"] = ("glass_clear", window.at(offset, 0.38 * tall, front))
    if grip:
        handle = box(0.24 * wide, 0.72 * tall, 0.4, 0.08)
        parts["grip"] = ("rubber_black", handle.at(-0.4 * wide, -0.12 * tall, front + 0.05))
    if strap:
        curve = smooth([(0.5, 0.3, 0), (0.75, -0.3, -0.2), (0.4, -0.48, -0.9), (-0.4, -0.48, -0.9), (-0.75, -0.3, -0.2),
                        (-0.5, 0.3, 0)], 4)  # fmt: skip
        loop = curve * [wide, tall, 1]
        parts["strap"] = (strap_cloth, tube(loop, 0.05, 6))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (computer_monitor, laptop, television, telephone, camera)}

"""What sounds, shines and blows. Lengths are in decimetres; fronts face +z."""

import numpy as np

from ndslib.sim.catalogue._common import disc, each
from ndslib.sim.catalogue._organic import blade
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import around, assemble, ball, bar, both, box, cylinder, lathe, smooth, torus, tube

BRIGHT = ("plastic_red", "plastic_blue", "plastic_yellow", "plastic_green", "plastic_pink", "plastic_black")


def microphone(genes: Genes) -> Mesh:
    style = genes.choice(("hand", "hand", "pill"))
    head = genes.uniform(0.26, 0.36)
    length = genes.uniform(1.3, 1.9)
    taper = genes.uniform(0.45, 0.65)
    body = genes.choice(("plastic_black", "aluminium", "paint_red", "paint_blue", "gold"))
    mesh = genes.choice(("brushed_steel", "chrome", "gold", "iron"))
    stand, lean = genes.chance(0.5), genes.uniform(10, 40)
    flat, ribs = genes.uniform(0.85, 1.15), genes.integer(4, 7)
    cable, foot = genes.chance(0.5), genes.uniform(0.6, 0.85)
    pill = style == "pill"
    parts = _pill_head(head, ribs, flat, mesh, body) if pill else _hand_held(head, length, taper, flat, mesh, body)
    if not stand and not pill:
        if cable:
            path = [(0, 0, 0), (0.02, -0.35, 0), (0.4, -0.6, 0.2), (0.9, -0.55, 0.4)]
            parts["cable"] = ("rubber_black", tube(smooth(path), 0.06, 6).at(0, -length))
        return assemble(each(parts, lambda solid: solid.turn("z", -lean)))
    height = 1.5 if pill else 2.6
    clip = torus(0.17, 0.05, 16, 6).at(0, height - 0.55)
    parts = each(parts, lambda solid: solid.turn("x", 0.6 * lean).at(0, height))
    parts["stand"] = ("chrome", [cylinder(0.06, height, segments=10).at(0, height / 2 - 0.3, -0.05), clip])
    parts["base"] = ("cast_iron", lathe([(foot, -0.3), (foot, -0.2), (0.25 * foot, -0.1)], 24))
    return assemble(parts)


def _hand_held(head: float, length: float, taper: float, flat: float, mesh: str, body: str) -> dict:
    tail = taper * 0.62 * head
    wires = [torus(head, 0.02, 20, 4).scale(1, flat, 1).turn(axis, turn) for axis in "xz" for turn in (90, 45, -45)]
    handle = lathe([(tail, -length), (0.62 * head, -0.35 * length), (0.66 * head, -0.3), (0.9 * head, -0.1)], 20)
    return {
        "grille": (mesh, [ball(0.97 * head, 0.97 * flat * head, segments=18), *wires]),
        "collar": ("chrome", cylinder(1.05 * head, 0.1, segments=20).at(0, -0.1 * head)),
        "body": (body, handle),
        "switch": ("plastic_grey", box(0.1, 0.22, 0.1).at(0, -0.42 * length, 0.6 * head)),
    }


def _pill_head(head: float, ribs: int, flat: float, mesh: str, body: str) -> dict:
    """The ribbed head of an old stage microphone."""
    wide, tall, deep = 1.35 * head, 2.0 * head, 1.1 * head
    slat = torus(1.0, 0.05, 20, 6).scale(wide, 1.4, deep * flat)
    levels = np.linspace(-0.75, 0.75, ribs)
    sizes = np.sqrt(1 - 0.8 * levels**2)
    slats = [slat.scale(size, 1, size).at(0, y * tall) for y, size in zip(levels, sizes, strict=True)]
    return {
        "grille": (mesh, [ball(0.93 * wide, 0.95 * tall, 0.93 * deep * flat, 20), *slats]),
        "spine": ("chrome", box(0.2 * wide, 1.8 * tall, 2.02 * deep * flat, 0.04)),
        "body": (body, lathe([(0.12, -tall - 0.5), (0.16, -tall - 0.1), (0.6 * wide, -0.75 * tall)], 16)),
    }


def headphones(genes: Genes) -> Mesh:
    radius = genes.uniform(0.75, 0.92)
    stretch = genes.uniform(1.0, 1.25)
    cup = genes.uniform(0.34, 0.48)
    deep = genes.uniform(0.22, 0.36)
    oval = genes.uniform(1.0, 1.3)
    band = genes.uniform(0.11, 0.17)
    shell = genes.choice((*BRIGHT, "aluminium"))
    pad = genes.choice(("leather_black", "leather_brown", "felt_green", "wool_grey"))
    cushion, boom, cable = genes.chance(0.7), genes.chance(0.35), genes.chance(0.5)
    toe = genes.uniform(3, 14)
    angle = np.radians(np.linspace(0, 180, 19))
    arc = np.c_[radius * np.cos(angle), stretch * radius * np.sin(angle), 0 * angle]
    strap = np.array([(0.35, -1), (0.35, 1), (-0.35, 1), (-0.35, -1)])
    ear = {
        "shell": (shell, [lathe([(0.6 * cup, 0.55 * deep), (cup, 0.35 * deep), (cup, -0.3 * deep)][::-1], 22)]),
        "pad": (pad, [torus(0.72 * cup, 0.3 * cup, 22, 8).scale(1, 1.2, 1).at(0, -0.45 * deep)]),
        "disc": ("chrome", [cylinder(0.45 * cup, 0.06, segments=18).at(0, 0.58 * deep)]),
    }
    level = -0.25 * cup
    ear = each(ear, lambda solid: solid.scale(1, 1, oval).turn("z", -90).turn("z", toe).at(radius - 0.02, level))
    parts = {name: (material, [side for solid in solids for side in both(solid)])
             for name, (material, solids) in ear.items()}  # fmt: skip
    parts["band"] = (shell, tube(arc, band, section=strap))
    parts["slider"] = ("chrome", both(box(0.07, 0.5, 0.12).at(radius, 0.1)))
    if cushion:
        padded = np.array([(0.5, 0), (0.2, 0.9), (-0.3, 0.9), (-0.3, -0.9), (0.2, -0.9)])
        parts["head cushion"] = (pad, tube(0.96 * arc[5:14], 1.3 * band, section=padded))
    if boom:
        path = smooth([(radius, level, 0.2), (0.95 * radius, level - 0.5, 0.5), (0.55 * radius, level - 0.75, 0.75)], 5)
        parts["microphone"] = ("plastic_black", [tube(path, 0.035, 6), ball(0.1, segments=12).at(*path[-1])])
    if cable:
        drop = [(radius, level - 0.8 * cup, 0), (0.9 * radius, -1.2, 0), (0.4 * radius, -1.5, 0.1), (-0.1, -1.35, 0.2)]
        parts["cable"] = ("rubber_black", tube(smooth(drop, 4), 0.03, 6))
    return assemble(parts)


def radio(genes: Genes) -> Mesh:
    wide = genes.uniform(2.2, 3.2)
    tall = genes.uniform(1.2, 1.7)
    deep = genes.uniform(0.55, 0.85)
    twin = genes.chance(0.45)  # two speakers make it a boom box
    knobs = genes.integer(2, 4)
    case = genes.choice(("walnut", "oak", "plastic_red", "plastic_black", "paint_cream", "plastic_blue", "aluminium"))
    trim = genes.choice(("brass", "chrome", "paint_cream", "plastic_black"))
    cloth = genes.choice(("burlap", "canvas", "paint_black", "wool_grey"))
    handle, aerial = genes.chance(0.6), genes.chance(0.7)
    lean = genes.uniform(10, 40)
    rings = genes.integer(1, 3)
    front, radius = deep / 2, 0.34 * tall
    places = (-0.5 * wide + 0.46 * tall, 0.5 * wide - 0.46 * tall)[: 2 if twin else 1]
    left, right = (places[0] + radius, places[1] - radius) if twin else (places[0] + radius + 0.1, 0.46 * wide)
    x, span = (left + right) / 2, max(right - left - 0.1, 0.4)
    level, sizes = -0.06 * tall, radius * np.arange(1, rings + 1) / rings
    hoops = [torus(size, 0.04, 24, 6).turn("x", 90).at(spot, level, front + 0.04) for spot in places for size in sizes]
    knob, spots = disc(0.09 * tall, 0.2, 16), x + (np.arange(knobs) - (knobs - 1) / 2) * span / knobs
    parts = {
        "case": (case, box(wide, tall, deep, 0.14)),
        "speaker": (cloth, [disc(radius, 0.1).at(place, level, front) for place in places]),
        "ring": (trim, hoops),
        "scale": ("lamp_glow", box(span, 0.24 * tall, 0.08).at(x, 0.24 * tall, front)),
        "needle": ("plastic_red", box(0.04, 0.2 * tall, 0.1).at(x + 0.2 * span, 0.24 * tall, front + 0.02)),
        "knob": (trim, [knob.at(spot, -0.3 * tall, front + 0.05) for spot in spots]),
        "button": ("plastic_white", [box(0.13, 0.09, 0.16).at(x + (n - 2) * 0.17, tall / 2, 0.1) for n in range(5)]),
        "foot": ("rubber_black", both(box(0.3, 0.1, 0.7 * deep).at(0.36 * wide, -tall / 2 - 0.02))),
    }
    if handle:
        arc = smooth([(-0.4, 0, 0), (-0.38, 0.5, 0), (0.38, 0.5, 0), (0.4, 0, 0)], 4) * [wide, 1, 1]
        strap = "leather_brown" if case in ("walnut", "oak") else trim
        parts["handle"] = (strap, tube(arc, 0.08, 6).at(0, 0.45 * tall))
    if aerial:
        rod = bar((0, 0, 0), (0, 1.7, 0), 0.035, 0.02, sides=6).turn("z", -lean)
        parts["aerial"] = ("chrome", rod.at(0.42 * wide, 0.45 * tall, -0.3 * deep))
    return assemble(parts)


_BULBS = {  # above the cap: (radius, height), in the bulb's own
    "classic": [(0.52, 0.12), (0.8, 0.42), (1, 0.68), (0.7, 0.93), (0.07, 1)],
    "globe": [(0.96, 0.18), (1.25, 0.5), (0.9, 0.82), (0.35, 0.95), (0.05, 0.97)],
    "candle": [(0.75, 0.3), (0.5, 0.75), (0.15, 1.05), (0.07, 1.2)],
}


def light_bulb(genes: Genes) -> Mesh:
    style = genes.choice(("classic", "classic", "globe", "candle", "spiral"))
    radius = genes.uniform(0.26, 0.36)
    tall = genes.uniform(0.75, 1.0)
    cap = genes.uniform(0.13, 0.17)
    threads = genes.integer(3, 5)
    glass = genes.choice(("lamp_glow", "lamp_glow", "glass_clear", "paint_white"))
    metal = genes.choice(("brass", "aluminium", "chrome"))
    coils = genes.integer(2, 4)
    length = genes.uniform(0.28, 0.4)
    collar = lathe([(1.06 * cap, -0.03), (1.12 * cap, 0.04), (0.9 * cap, 0.1)], 20)
    screw = [torus(cap, 0.028, 20, 6).at(0, -length * (n + 0.6) / (threads + 0.4)) for n in range(threads)]
    parts = {
        "screw cap": (metal, [cylinder(cap, length, segments=20).at(0, -length / 2), *screw]),
        "insulator": ("plastic_black", lathe([(0.45 * cap, -length - 0.1), (0.95 * cap, -length)], 16)),
        "contact": (metal, ball(0.45 * cap, 0.06, 0.45 * cap, 12).at(0, -length - 0.1)),
        "collar": ("plastic_white" if style == "spiral" else metal, collar),
    }
    if style == "spiral":
        turn = np.linspace(0, 2 * np.pi * coils, 12 * coils + 1)
        helix = np.c_[0.8 * radius * np.cos(turn), 0.32 + 0.2 * coils * turn / turn[-1], 0.8 * radius * np.sin(turn)]
        parts["base"] = ("plastic_white", lathe([(cap, 0), (radius, 0.16), (0.9 * radius, 0.26)], 20))
        parts["tube"] = (glass, tube(helix, 0.075, 8))
    else:
        outline = np.array(_BULBS[style]) * [radius, tall]
        parts["bulb"] = (glass, lathe(smooth([(cap, 0), *outline], 5), 24))
    return assemble(parts)


def fan(genes: Genes) -> Mesh:
    radius = genes.uniform(1.1, 1.5)
    blades = genes.integer(3, 5)
    pitch = genes.uniform(14, 30)
    height = genes.uniform(0.5, 2.0)
    foot = genes.uniform(0.65, 0.9)
    wires = genes.integer(12, 18)
    tilt = genes.uniform(-14, 6)
    body = genes.choice(("plastic_white", "plastic_black", "paint_green", "paint_cream", "chrome"))
    blade_colour = genes.choice(("plastic_blue", "brass", "plastic_white", "plastic_green", "plastic_red"))
    cage = genes.choice(("chrome", "plastic_white", "plastic_black", "brass"))
    rings, turn = genes.integer(1, 3), genes.uniform(0, 90)
    wide = genes.uniform(0.5, 0.8)
    paddle = blade(0.94 * radius, 0.6 * wide, 0.08, widest=0.62).turn("y", pitch)
    spoke = smooth([(0.2, 0, 0.42), (0.8 * radius, 0, 0.36), (1.04 * radius, 0, 0.02)], 3)
    inner = np.arange(1, rings + 1) / (rings + 1) * radius
    hoops = [torus(1.04 * radius, 0.05, 28, 6), *(torus(size, 0.025, 24, 4).at(0, 0.4) for size in inner)]
    head = {
        "motor": (body, lathe([(0.3, -0.95), (0.5, -0.85), (0.5, -0.3), (0.36, -0.22)], 18).turn("x", 90)),
        "blade": (blade_colour, around(paddle, blades, "z", turn)),
        "hub": ("chrome", lathe([(0.24, -0.25), (0.24, 0.2), (0.05, 0.3)], 16).turn("x", 90)),
        "cage": (cage, [hoop.turn("x", 90) for hoop in hoops] + around(tube(spoke, 0.02, 4), wires, "z")
                 + around(tube(spoke * [1, 1, -0.6], 0.02, 4), 8, "z")),
        "badge": (body, disc(0.24, 0.06, 18).at(0, 0, 0.44)),
    }  # fmt: skip
    parts = each(head, lambda solid: solid.turn("x", tilt).at(0, height + radius))
    parts["stand"] = (body, bar((0, 0.1, -0.55), (0, height + radius - 0.1, -0.55), 0.17, 0.13, sides=12))
    parts["base"] = (body, lathe([(foot, 0), (foot, 0.1), (0.75 * foot, 0.2), (0.2, 0.3)], 28).at(0, 0, -0.45))
    parts["switch"] = ("plastic_red", [box(0.14, 0.1, 0.14).at(x, 0.2, 0.52 * foot - 0.45) for x in (-0.22, 0, 0.22)])
    return assemble(parts)


CLASSES = {make.__name__: make for make in (microphone, headphones, radio, light_bulb, fan)}

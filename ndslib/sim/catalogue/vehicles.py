"""Road vehicles on four wheels and more. Lengths are in metres; all drive towards +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS, arches, hull, lamps, tower, wheels
from ndslib.sim.catalogue._common import Parts
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import assemble, bar, both, box, cylinder, lathe

CAR_PAINTS = ("metallic_red", "paint_white", "metallic_blue", "metallic_silver", "paint_yellow", "metallic_black",
              "metallic_green")  # fmt: skip
VAN_PAINTS = ("paint_white", "paint_red", "paint_blue", "paint_yellow", "paint_green", "paint_cream", "paint_grey")


def _bumpers(half: float, y: float, front: float, rear: float) -> Parts:
    return {"bumper": ("plastic_black", [box(2 * half, 0.18, 0.18, 0.04).at(0, y, z) for z in (front, rear)])}


def _mirrors(paint: str, half: float, y: float, z: float, size: float = 0.13) -> Parts:
    return {"mirror": (paint, both(box(1.4 * size, size, 0.8 * size).at(half + 0.6 * size, y, z)))}


def _cabin(
    paint: str, waist: float, roof: float, half: float, low: tuple[float, float], high: tuple[float, float]
) -> Parts:
    """A glazed cabin with a roof on pillars; `low` and `high` are their (rear, front) z."""
    top = 0.82 * half
    middle = sum(low) / 2
    pillars = both(bar((half, waist - 0.05, middle), (top, roof - 0.03, sum(high) / 2), 0.045, sides=6))
    for below, above in zip(low, high, strict=True):
        z = 0.96 * (below - middle) + middle  # the sections' corners are rounded
        pillars += both(bar((0.94 * half, waist - 0.05, z), (0.94 * top, roof - 0.03, above), 0.045, sides=6))
    rear, front = high
    shell = tower([(roof - 0.05, 1.02 * top, rear - 0.03, front + 0.03), (roof, top, rear, front),
                   (roof + 0.03, 0.8 * top, rear + 0.15, front - 0.15)])  # fmt: skip
    glass = tower([(waist - 0.1, half, *low), (roof - 0.02, top, rear, front)])
    return {"window": (GLASS, glass), "roof": (paint, [shell, *pillars])}


def car(genes: Genes) -> Mesh:
    nose = genes.uniform(1.75, 2.3)
    half = genes.uniform(0.8, 0.95)
    waist = genes.uniform(0.85, 1.05)
    roof = waist + genes.uniform(0.42, 0.62)
    screen = nose - nose * genes.uniform(0.42, 0.62)
    boot = nose * genes.choice((0.04, 0.06, 0.35, 0.45))  # hatchback, estate, saloon, coupé
    rake = genes.uniform(0.4, 0.8)
    radius = genes.uniform(0.3, 0.38)
    hood = waist - genes.uniform(0.1, 0.25)
    paint = genes.choice(CAR_PAINTS)
    sill, rear, axles = 0.55 * radius, boot - nose, (-0.6 * nose, 0.64 * nose)
    body = hull([
        (-nose, 0.86 * half, sill + 0.15, waist - 0.12), (0.15 - nose, 0.97 * half, sill, waist - 0.02),
        (rear, half, sill, waist), (screen, half, sill, waist),
        (nose - 0.25, 0.95 * half, sill, hood), (nose, 0.8 * half, sill + 0.1, hood - 0.12),
    ])  # fmt: skip
    parts = {"body": (paint, body), "grille": ("chrome", box(0.7 * half, 0.1, 0.1).at(0, hood - 0.2, nose - 0.02))}
    parts |= _cabin(paint, waist, roof, 0.94 * half, (rear + 0.05, screen), (rear + 0.25 + 0.5 * boot, screen - rake))
    parts |= lamps(0.6 * half, hood - 0.18, nose - 0.02, 0.02 - nose, 0.1)
    parts |= _bumpers(0.88 * half, sill + 0.14, nose - 0.02, 0.02 - nose)
    parts |= _mirrors(paint, half, waist + 0.08, screen - 0.1)
    if genes.chance(0.25):
        parts["roof rack"] = ("aluminium", both(box(0.05, 0.08, 0.5 * nose).at(0.6 * half, roof + 0.06, -0.3 * nose)))
    return assemble(parts | arches(radius, half, axles) | wheels(radius, 0.22, 2 * half - 0.12, axles))


def pickup(genes: Genes) -> Mesh:
    nose = genes.uniform(2.3, 2.7)
    half = genes.uniform(0.88, 1.0)
    waist = genes.uniform(1.1, 1.25)
    roof = waist + genes.uniform(0.5, 0.65)
    radius = genes.uniform(0.38, 0.48)
    cab = genes.choice((1.3, 1.4, 2.0))  # single or double cab
    bonnet = genes.uniform(1.1, 1.5)
    rake = genes.uniform(0.35, 0.6)
    paint = genes.choice(CAR_PAINTS)
    cargo = genes.choice(("none", "log", "crate"))
    bull_bar, light_bar = genes.chance(0.4), genes.chance(0.3)
    sill, screen, axles = 0.75 * radius, nose - bonnet, (-0.58 * nose, 0.64 * nose)
    back = screen - cab
    floor = waist - 0.42
    bed = (back - nose) / 2
    length = back + nose
    body = hull([(-nose, half, sill, floor), (back, half, sill, floor)], 10)
    front = hull([(back, half, sill, waist), (screen, half, sill, waist), (nose - 0.15, 0.97 * half, sill, waist - 0.1),
                  (nose, 0.9 * half, sill + 0.1, waist - 0.2)])  # fmt: skip
    walls = both(box(0.09, 0.5, length).at(half - 0.05, floor + 0.2, bed))
    walls.append(box(2 * half - 0.05, 0.48, 0.09).at(0, floor + 0.2, 0.03 - nose))
    parts = {
        "body": (paint, [body, front]),
        "bed": (paint, walls),
        "grille": ("plastic_black", box(1.0 * half, 0.28, 0.1).at(0, waist - 0.42, nose - 0.02)),
    }
    parts |= _cabin(paint, waist, roof, 0.94 * half, (back + 0.05, screen), (back + 0.12, screen - rake))
    parts |= lamps(0.72 * half, waist - 0.38, nose - 0.02, -nose, 0.12)
    parts |= _bumpers(0.95 * half, sill + 0.1, nose + 0.03, -nose - 0.05)
    parts |= _mirrors(paint, half, waist + 0.12, screen - 0.12, 0.17)
    if cargo == "log":
        log = cylinder(0.16, 0.9 * length, segments=12).turn("x", 90)
        places = ((-0.5, 0.2), (-0.15, 0.2), (0.2, 0.2), (0.53, 0.2), (-0.3, 0.48), (0.1, 0.48))
        parts["cargo"] = ("bark", [log.at(x, floor + y, bed) for x, y in places])
    elif cargo == "crate":
        parts["cargo"] = ("plywood", [box(0.7, 0.6, 0.6).at(-0.3, floor + 0.32, bed - 0.2),
                                      box(0.5, 0.45, 0.5).at(0.4, floor + 0.24, bed + 0.3)])  # fmt: skip
    if bull_bar:
        rail = bar((-0.7 * half, waist - 0.3, nose + 0.16), (0.7 * half, waist - 0.3, nose + 0.16), 0.04, sides=6)
        posts = both(bar((0.5 * half, sill, nose + 0.14), (0.5 * half, waist - 0.26, nose + 0.16), 0.04, sides=6))
        parts["bull bar"] = ("chrome", [rail, *posts])
    if light_bar:
        parts["light bar"] = ("lamp_glow", box(1.1 * half, 0.11, 0.12).at(0, roof + 0.07, screen - rake - 0.15))
    return assemble(parts | arches(radius, half, axles) | wheels(radius, 0.27, 2 * half - 0.12, axles))


def van(genes: Genes) -> Mesh:
    nose = genes.uniform(2.1, 2.7)
    half = genes.uniform(0.88, 1.0)
    roof = genes.uniform(1.85, 2.5)
    waist = genes.uniform(1.1, 1.25)
    bonnet = genes.uniform(0.25, 0.75)
    rake = genes.uniform(0.35, 0.6)
    radius = genes.uniform(0.32, 0.38)
    paint = genes.choice(VAN_PAINTS)
    minibus = genes.chance(0.4)
    rack, stripe = genes.chance(0.35), genes.chance(0.5)
    trim = genes.choice(("paint_navy", "paint_orange", "paint_black"))
    sill, screen, axles = 0.6 * radius, nose - bonnet, (-0.6 * nose, 0.68 * nose)
    top = screen - rake
    body = hull([
        (-nose, 0.97 * half, sill + 0.1, roof - 0.08), (0.1 - nose, half, sill, roof), (top, half, sill, roof),
        (screen, half, sill, waist), (nose - 0.1, 0.96 * half, sill, waist - 0.12),
        (nose, 0.86 * half, sill + 0.1, waist - 0.25),
    ], 8)  # fmt: skip
    rear = 0.3 - nose if minibus else top - 0.8
    low, high = waist + 0.06, roof - 0.2
    glass = hull([(rear, half + 0.015, low, high), (top - 0.02, half + 0.015, low, high),
                  (screen + 0.02, 0.96 * half, low - 0.05, low + 0.02)], 20)  # fmt: skip
    windscreen = tower([(low, 0.8 * half, top - 0.5, screen + 0.01), (high, 0.78 * half, top - 0.5, top + 0.12)], 20)
    posts = [top - 0.15, *np.linspace(top - 0.95, rear + 0.05, 3 if minibus else 1)]
    pillars = [box(2 * half + 0.05, high - low + 0.05, 0.08).at(0, (low + high) / 2, z) for z in posts]
    parts = {
        "body": (paint, [body, *pillars]),
        "window": (GLASS, [glass, windscreen]),
        "grille": ("plastic_black", box(0.9 * half, 0.14, 0.1).at(0, waist - 0.42, nose - 0.02)),
    }
    parts |= lamps(0.7 * half, waist - 0.36, nose - 0.04, -nose, 0.12)
    parts |= _bumpers(0.92 * half, sill + 0.12, nose - 0.02, -nose)
    parts |= _mirrors("plastic_black", half, waist + 0.2, screen - 0.25, 0.2)
    if stripe:
        parts["stripe"] = (trim, box(2 * half + 0.03, 0.12, 1.5 * nose).at(0, waist - 0.2, -0.1 * nose))
    if rack:
        bars = [bar((-0.8 * half, roof + 0.07, z), (0.8 * half, roof + 0.07, z), 0.04, sides=6)
                for z in np.linspace(-0.8 * nose, top - 0.3, 4)]  # fmt: skip
        parts["roof rack"] = ("aluminium", bars + both(box(0.06, 0.12, 1.3 * nose).at(0.75 * half, roof + 0.06, -0.2)))
    return assemble(parts | arches(radius, half, axles) | wheels(radius, 0.24, 2 * half - 0.12, axles))


def _superstructure(
    style: str, colour: str, half: float, low: float, height: float, rear: float, front: float
) -> Parts:
    """What stands on a lorry's frame at `low`, between two z."""
    middle, length = (rear + front) / 2, front - rear
    if style == "container":
        ribs = [box(2 * half + 0.05, height - 0.1, 0.08).at(0, low + height / 2, z)
                for z in np.linspace(rear + 0.1, front - 0.1, 9)]  # fmt: skip
        return {"container": (colour, [box(2 * half, height, length).at(0, low + height / 2, middle), *ribs])}
    if style == "tank":
        radius = 0.47 * height
        drum = lathe([(0.7 * radius, -length / 2), (radius, 0.2 - length / 2), (radius, length / 2 - 0.2),
                      (0.7 * radius, length / 2)], 20)  # fmt: skip
        hatch = cylinder(0.3, 0.25, segments=14).at(0, low + 2 * radius, middle)
        return {"tank": (colour, [drum.turn("x", 90).at(0, low + radius, middle), hatch])}
    walls = both(box(0.1, 0.45 * height, length).at(half - 0.05, low + 0.22 * height, middle))
    ends = [box(2 * half - 0.02, 0.5 * height, 0.1).at(0, low + 0.25 * height, z) for z in (rear, front)]
    load = hull([(rear + 0.1, half - 0.1, low, low + 0.3 * height), (middle, half - 0.1, low, low + 0.75 * height),
                 (front - 0.1, half - 0.1, low, low + 0.35 * height)], 2.5)  # fmt: skip
    return {"tipper": (colour, [*walls, *ends]), "load": ("gravel", load)}


def truck(genes: Genes) -> Mesh:
    length = genes.uniform(5.5, 9.0)
    half = genes.uniform(1.1, 1.25)
    cab_height = genes.uniform(2.5, 3.1)
    height = genes.uniform(1.9, 2.7)
    radius = genes.uniform(0.48, 0.56)
    snout = genes.choice((0.0, 0.0, 1.3))  # cab over the engine, or a bonnet in front
    paint = genes.choice(VAN_PAINTS)
    style = genes.choice(("container", "tank", "tipper"))
    colour = genes.choice({"container": ("paint_white", "paint_orange", "aluminium", "paint_blue"),
                           "tank": ("brushed_steel", "aluminium", "paint_white", "paint_yellow"),
                           "tipper": ("paint_grey", "paint_red", "paint_yellow", "paint_green")}[style])  # fmt: skip
    stacks = genes.chance(0.4)
    nose, rear, deck = length / 2, -length / 2, 2.1 * radius
    screen = nose - snout
    back = screen - genes.uniform(1.5, 2.0)
    cab = tower([(0.45, half, back, screen), (1.7, half, back, screen),
                 (cab_height - 0.1, 0.94 * half, back, screen - 0.2),
                 (cab_height, 0.85 * half, back + 0.1, screen - 0.35)])  # fmt: skip
    sill, lintel = 1.75, cab_height - 0.35
    side, door = half + 0.015, back + 0.55
    glass = [tower([(sill, 0.85 * half, door, screen + 0.02), (lintel, 0.8 * half, door, screen - 0.12)], 20),
             tower([(sill, side, door, screen - 0.35), (lintel, 0.97 * side, door, screen - 0.4)], 20)]  # fmt: skip
    bonnet = hull([(screen - 0.1, 0.8 * half, 0.5, 1.75), (nose - 0.1, 0.72 * half, 0.5, 1.6),
                   (nose, 0.6 * half, 0.6, 1.5)])  # fmt: skip
    axles = (rear + 0.8, rear + 0.8 + 2.2 * radius, nose - 0.75 - 0.2 * snout)
    parts = {
        "cab": (paint, [cab, bonnet] if snout else cab),
        "window": (GLASS, glass),
        "chassis": ("plastic_black", box(0.9 * half, 0.3, length - 0.3).at(0, deck - 0.2, -0.1)),
        "grille": ("chrome", box(0.9 * half, 0.5, 0.1).at(0, 1.15, nose)),
    }
    parts |= _superstructure(style, colour, half, deck, height, rear, back - 0.15)
    parts |= lamps(0.55 * half if snout else 0.8 * half, 0.95, nose, rear, 0.13)
    parts |= {"bumper": ("plastic_black", box(2 * half, 0.3, 0.25, 0.05).at(0, 0.55, nose))}
    parts |= _mirrors("plastic_black", half, 2.0, screen - 0.15, 0.32)
    if stacks:
        pipe = bar((0.8 * half, 1.0, back - 0.08), (0.8 * half, cab_height + 0.4, back - 0.08), 0.08, sides=8)
        parts["exhaust"] = ("chrome", both(pipe))
    return assemble(parts | wheels(radius, 0.4, 2 * half - 0.4, axles))


def bus(genes: Genes) -> Mesh:
    length = genes.uniform(7.5, 12.0)
    half = genes.uniform(1.15, 1.3)
    double = genes.chance(0.3)
    waist = genes.uniform(1.25, 1.5)
    storey = genes.uniform(1.35, 1.6)
    windows = genes.integer(4, 7)
    slope = genes.uniform(0.0, 0.5)
    paint = genes.choice(("paint_red", "paint_yellow", "paint_blue", "paint_white", "paint_green", "paint_orange"))
    trim = genes.choice(("paint_white", "paint_black", "paint_cream"))
    radius = genes.uniform(0.45, 0.52)
    unit = genes.chance(0.5)
    nose, roof = length / 2, waist + storey * (2 if double else 1)
    body = hull([(-nose, 0.96 * half, 0.4, roof - 0.1), (0.15 - nose, half, 0.3, roof),
                 (nose - 0.15 - slope, half, 0.3, roof), (nose - 0.1, half, 0.3, waist),
                 (nose, 0.95 * half, 0.4, waist - 0.1)], 12)  # fmt: skip
    glass, pillars = [], []
    for low in (waist, waist + storey)[: 2 if double else 1]:
        high = low + 0.62 * storey
        tilt = slope * (low - waist) / (roof - waist)
        band = hull([(0.3 - nose, half + 0.02, low, high), (nose - 0.5 - slope, half + 0.02, low, high)], 20)
        pane = box(1.8 * half, high - low, 0.6 + slope).at(0, (low + high) / 2, nose - 0.3 - slope / 2 - tilt / 2)
        glass += [band, pane]
        pillars += [box(2 * half + 0.07, high - low + 0.02, 0.14).at(0, (low + high) / 2, z)
                    for z in np.linspace(0.3 - nose, nose - 0.5 - slope, windows + 1)]  # fmt: skip
    axles = (-0.62 * nose, 0.62 * nose)
    doors = both(box(0.1, 1.75, 0.9).at(half - 0.02, 1.3, nose - 0.75 - slope))
    parts = {
        "body": (paint, [body, *pillars]),
        "window": (GLASS, glass),
        "door": (GLASS, doors),
        "stripe": (trim, box(2 * half + 0.04, 0.16, 1.9 * nose).at(0, waist - 0.25)),
        "sign": ("lamp_glow", box(1.3 * half, 0.24, 0.2).at(0, roof - 0.28, nose - 0.15 - 0.9 * slope)),
    }
    parts |= lamps(0.75 * half, 0.8, nose, -nose, 0.14) | _bumpers(0.98 * half, 0.45, nose, -nose)
    parts |= _mirrors("plastic_black", half + 0.05, waist + 0.6, nose - 0.1, 0.28)
    if unit:
        parts["roof unit"] = (trim, box(1.2 * half, 0.3, 0.3 * length, 0.07).at(0, roof + 0.1, -0.3 * nose))
    return assemble(parts | arches(radius, half, axles) | wheels(radius, 0.34, 2 * half - 0.2, axles))


CLASSES = {make.__name__: make for make in (car, pickup, van, truck, bus)}

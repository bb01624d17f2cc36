"""Houses, blocks, churches and barns. Lengths are in metres; the front door faces +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS
from ndslib.sim.catalogue._walls import arch, gable_roof, gabled, stack, through
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import assemble, bar, both, box, cylinder, dome, extrude

ROOFS = ("roof_tiles", "roof_tiles", "shingles", "slate")
WALLS = ("brick_red", "plaster", "stucco", "brick_yellow", "paint_cream", "limestone")


def house(genes: Genes) -> Mesh:
    half = genes.uniform(2.9, 4.2)
    deep = genes.uniform(2.6, 3.5)
    storeys = genes.integer(1, 2)
    rise = genes.uniform(2.1, 3.5)
    style = genes.choice(("gable to the side", "gable to the front", "hip"))
    eaves = genes.uniform(0.3, 0.6)
    wall, roof = genes.choice(WALLS), genes.choice(ROOFS)
    trim = genes.choice(("paint_white", "oak", "paint_grey", "paint_green"))
    door = genes.choice(("paint_red", "paint_blue", "walnut", "paint_green"))
    columns = genes.integer(2, 3)
    garage, chimney, shutters, dormer = genes.chance(0.35), genes.chance(0.75), genes.chance(0.4), genes.chance(0.4)
    side = genes.choice((-1, 1))
    height = 2.8 * storeys
    if style == "hip":
        shell = stack([(0, half, deep), (height + 0.05, half, deep)])
        cover = stack([(height, half + eaves, deep + eaves), (height + 0.15, half + eaves, deep + eaves),
                       (height + rise, 0.45 * half, 0.15)])  # fmt: skip
    elif style == "gable to the front":
        shell, cover = gabled(half, height, rise, 2 * deep), gable_roof(half, height, rise, 2 * deep, eaves)
    else:
        shell = gabled(deep, height, rise, 2 * half).turn("y", 90)
        cover = gable_roof(deep, height, rise, 2 * half, eaves).turn("y", 90)
    door_x = half * genes.uniform(-0.2, 0.2)
    places = [x for x in np.linspace(-0.68, 0.68, columns + 1) * half if abs(x - door_x) > 1.15]
    levels = [1.5 + 2.8 * storey for storey in range(storeys)]
    opening = (half, deep, places, (-0.45 * deep, 0.45 * deep), levels)
    surround = box(1.5, 2.5, 0.1).at(door_x, 1.25, deep)
    parts = {
        "wall": (wall, [shell]),
        "roof": (roof, [cover]),
        "window": (GLASS, through(*opening, (1.05, 1.3), 0.07)),
        "frame": (trim, [surround, *through(*opening, (1.35, 1.6), 0.04)]),
        "door": (door, box(1.15, 2.3, 0.2).at(door_x, 1.15, deep)),
        "step": ("concrete", box(1.8, 0.3, 1.2).at(door_x, 0.1, deep + 0.5)),
        "plinth": ("granite_grey", box(2 * half + 0.12, 0.35, 2 * deep + 0.12).at(0, 0.17)),
    }
    if chimney:
        x, top = 0.5 * half * side, height + rise + 0.7
        parts["chimney"] = ("brick_red", [box(0.7, 2.4, 0.7).at(x, top - 1.2, -0.3 * deep),
                                          box(0.9, 0.25, 0.9).at(x, top, -0.3 * deep)])  # fmt: skip
    if shutters:
        shutter = box(0.4, 1.4, 0.14)
        parts["shutter"] = (door, [shutter.at(x + s, y, deep) for x in places for y in levels for s in (-0.75, 0.75)])
    if garage:
        x, z = side * (half + 1.6), -0.15 * deep
        parts["garage"] = (wall, box(3.4, 2.6, 1.6 * deep).at(x, 1.3, z))
        parts["garage door"] = (trim, box(2.6, 2.0, 1.6 * deep + 0.1).at(x, 1.05, z))
        parts["roof"][1].append(box(3.7, 0.2, 1.7 * deep).at(x, 2.7, z))
    if dormer and style != "gable to the front":
        parts["wall"][1].append(gabled(1.0, 1.2, 0.8, 0.7 * deep).at(0, height, 0.42 * deep))
        parts["roof"][1].append(gable_roof(1.0, 1.2, 0.8, 0.7 * deep, 0.25, 0.15).at(0, height, 0.42 * deep))
        parts["window"][1].append(box(1.0, 1.0, 0.1).at(0, height + 0.75, 0.77 * deep))
    return assemble(parts)


def apartment_block(genes: Genes) -> Mesh:
    storeys = genes.integer(4, 8)
    columns = genes.integer(3, 6)
    bay = genes.uniform(2.4, 3.2)
    deep = genes.uniform(4.5, 6.5)
    wall = genes.choice((*WALLS, "concrete", "paint_yellow"))
    trim = genes.choice(("concrete", "paint_white", "paint_grey", "sandstone"))
    width, tall = genes.uniform(1.1, 1.7), genes.uniform(1.3, 1.8)
    balconies = genes.choice(("none", "all", "outer", "alternate"))
    bands, hut, shops = genes.chance(0.5), genes.chance(0.7), genes.chance(0.4)
    half, storey = columns * bay / 2 + 0.5, 3.0
    height = storey * storeys + 0.8
    xs = (np.arange(columns) - (columns - 1) / 2) * bay
    ys = storey * np.arange(1, storeys) + 2.0
    walls = (half, deep, xs, (-0.5 * deep, 0, 0.5 * deep))
    slabs = ((0.3, height, 0.4), (-0.3, height + 0.2, 0.3))  # overhang, y and thickness
    parts = {
        "wall": (wall, box(2 * half, height, 2 * deep).at(0, height / 2)),
        "window": (GLASS, through(*walls, ys, (width, tall), 0.08)),
        "sill": (trim, through(*walls, ys - tall / 2 - 0.08, (width + 0.3, 0.18), 0.2)),
        "roof": (trim, [box(2 * (half + out), thick, 2 * (deep + out)).at(0, y) for out, y, thick in slabs]),
        "door": ("walnut", box(1.6, 2.3, 0.3).at(0, 1.15, deep)),
        "canopy": (trim, box(2.8, 0.2, 1.4).at(0, 2.6, deep + 0.6)),
    }
    chosen = {"none": [], "all": xs, "outer": xs[[0, -1]], "alternate": xs[::2]}[balconies]
    rail = genes.choice(("paint_black", "paint_white", "glass_green", "paint_blue"))
    if len(chosen):
        places = [(x, y - tall / 2 - 0.1) for x in chosen for y in ys]
        parts["balcony"] = (trim, [box(bay * 0.86, 0.18, 1.2).at(x, y, deep + 0.6) for x, y in places])
        parts["railing"] = (rail, [box(bay * 0.84, 0.85, 0.1).at(x, y + 0.45, deep + 1.14) for x, y in places])
    if bands:
        band = box(2 * half + 0.15, 0.25, 2 * deep + 0.15)
        parts["band"] = (trim, [band.at(0, storey * floor + 0.55) for floor in range(1, storeys)])
    if hut:
        parts["lift hut"] = (wall, box(2.6, 1.8, 2.4).at(0.2 * half, height + 1.0, -0.3 * deep))
    if shops:
        parts["shop window"] = (GLASS, both(box(half - 1.6, 1.9, 2 * deep + 0.16).at(half / 2 + 0.5, 1.4)))
    return assemble(parts)


def skyscraper(genes: Genes) -> Mesh:
    style = genes.choice(("setbacks", "tapered", "twisted", "plain"))
    tall = genes.uniform(14, 20)
    half = genes.uniform(2.4, 3.4)
    deep = half * genes.uniform(0.75, 1.0)
    floors = genes.integer(16, 26)
    top = genes.uniform(0.45, 0.7)
    twist = genes.uniform(40, 110)
    glass = genes.choice(("water", "glass_green", GLASS, "metallic_blue"))
    frame = genes.choice(("concrete", "paint_white", "brushed_steel", "limestone", "granite_grey"))
    crown = genes.choice(("mast", "pyramid", "flat"))
    fins = genes.integer(3, 6)
    podium = genes.chance(0.5)
    share = (np.arange(floors) + 0.5) / floors
    setbacks, taper = 1 - (1 - top) * np.floor(4 * share) / 3, 1 - (1 - top) * share
    widths = {"setbacks": setbacks, "tapered": taper}.get(style, np.ones(floors))
    turns = twist * share if style == "twisted" else 0 * share
    step = tall / floors
    panes, slabs = [], []
    for width, turn, y in zip(widths, turns, share * tall, strict=True):
        panes.append(box(2 * half * width, 1.01 * step, 2 * deep * width).turn("y", turn).at(0, y))
        slab = box(2 * half * width + 0.25, 0.3 * step, 2 * deep * width + 0.25)
        slabs.append(slab.turn("y", turn).at(0, y + 0.5 * step))
    if style == "plain":
        xs = np.linspace(-0.9, 0.9, fins)
        slabs = through(half, deep, xs * half, xs * deep, [tall / 2], (0.3, tall), 0.15)
        slabs += [box(2 * half + 0.2, 0.25, 2 * deep + 0.2).at(0, tall * level) for level in np.linspace(0.1, 1, 8)]
    x, z = half * widths[-1], deep * widths[-1]
    parts = {
        "window": (glass, panes),
        "frame": (frame, slabs),
        "entrance": ("paint_black", box(1.4, 1.0, 2 * deep + 0.5).at(0, 0.5)),
        "roof": (frame, box(1.5 * x, 0.6, 1.5 * z).turn("y", turns[-1]).at(0, tall + 0.3)),
    }
    if crown == "mast":
        parts["mast"] = ("steel", bar((0, tall, 0), (0, 1.28 * tall, 0), 0.25, 0.05, sides=8))
    elif crown == "pyramid":
        spire = stack([(0, 0.9 * x, 0.9 * z), (0.18 * tall, 0.05, 0.05)])
        parts["spire"] = (frame, spire.turn("y", turns[-1]).at(0, tall + 0.1))
    if podium:
        parts["podium"] = (frame, box(2.7 * half, 1.2, 2.7 * deep).at(0, 0.6))
        parts["entrance"] = ("paint_black", box(1.4, 1.0, 2.75 * deep).at(0, 0.5))
    return assemble(parts)


def church(genes: Genes) -> Mesh:
    half = genes.uniform(2.2, 3.2)
    length = genes.uniform(8, 12)
    height = genes.uniform(3.2, 4.5)
    rise = genes.uniform(2.4, 3.6)
    tower = genes.uniform(1.2, 1.7)  # half width
    belfry = height + rise + genes.uniform(0.5, 3.0)
    spire = genes.uniform(2.0, 6.0)
    wall = genes.choice(("paint_white", "limestone", "brick_red", "sandstone", "plaster"))
    roof = genes.choice(("slate", "roof_tiles", "patina_copper", "shingles"))
    door = genes.choice(("walnut", "paint_red", "oak"))
    windows = genes.integer(3, 5)
    offset = genes.choice((0, 0, 1)) * (half + 0.4 * tower)
    apse, clock, buttresses = genes.chance(0.5), genes.chance(0.5), genes.chance(0.5)
    front = length / 2
    z = front if offset == 0 else front - tower
    zs = np.linspace(-0.8, 0.6, windows) * front
    pane = arch(0.8, 0.5 * height, 2 * half + 0.16).turn("y", 90)
    louvre = arch(0.9 * tower, 1.4, 2 * tower + 0.12).at(0, belfry - 1.9)
    top = belfry + spire
    parts = {
        "nave": (wall, gabled(half, height, rise, length)),
        "roof": (roof, [gable_roof(half, height, rise, length, 0.35)]),
        "tower": (wall, [box(2 * tower, belfry, 2 * tower).at(offset, belfry / 2, z),
                         box(2 * tower + 0.3, 0.3, 2 * tower + 0.3).at(offset, belfry, z)]),
        "spire": (roof, stack([(belfry + 0.1, 1.08 * tower, 1.08 * tower), (top, 0.08, 0.08)]).at(offset, 0, z)),
        "cross": ("gold", [box(0.2, 1.6, 0.2).at(offset, top + 0.6, z), box(0.9, 0.2, 0.19).at(offset, top + 0.85, z)]),
        "window": (GLASS, [pane.at(0, 0.28 * height, place) for place in zs]),
        "louvre": ("paint_black", [louvre.at(offset, 0, z), louvre.turn("y", 90).at(offset, 0, z)]),
        "door": (door, arch(1.5, 2.4, 0.3).at(0, 0, front + (tower if offset == 0 else 0))),
    }  # fmt: skip
    if apse:
        parts["apse"] = (wall, cylinder(0.75 * half, height, segments=16).at(0, height / 2, -front))
        parts["roof"][1].append(cylinder(0.85 * half, 0.6 * rise, 0.05, 16).at(0, height + 0.3 * rise, -front))
    if clock:
        dial = cylinder(0.6 * tower, 2 * tower + 0.2, segments=20)
        parts["clock"] = ("paint_cream", [dial.turn(axis, 90).at(offset, belfry - 2.9, z) for axis in "xz"])
    if buttresses:
        pier = box(2 * half + 1.0, 0.8 * height, 0.4).at(0, 0.4 * height)
        parts["buttress"] = (wall, [pier.at(0, 0, place) for place in (zs[1:] + zs[:-1]) / 2])
    return assemble(parts)


def barn(genes: Genes) -> Mesh:
    half = genes.uniform(3.2, 4.4)
    length = genes.uniform(7, 11)
    height = genes.uniform(2.6, 3.6)
    rise = genes.uniform(2.6, 3.6)
    knee = genes.uniform(0.58, 0.68)  # where the roof bends, as a share of its half width and of its rise
    wall = genes.choice(("paint_red", "paint_red", "paint_red", "driftwood", "paint_white"))
    roof = genes.choice(("shingles", "slate", "rusty_iron", "aluminium"))
    trim = "paint_red" if wall == "paint_white" else "paint_white"
    silo, cupola, windows = genes.chance(0.5), genes.chance(0.5), genes.integer(2, 4)
    side = genes.choice((-1, 1))
    wide, front, over = genes.uniform(1.2, 1.6), length / 2, 0.4
    bend, ridge = (knee * half, height + knee * rise), height + rise
    right = [(half, height), bend, (0, ridge), (-bend[0], bend[1]), (-half, height)]
    outer = [(half + over, height - 0.4), (bend[0] + 0.2, bend[1] + 0.2), (0, ridge + 0.3),
             (-bend[0] - 0.2, bend[1] + 0.2), (-half - over, height - 0.4)]  # fmt: skip
    inner = [(x * 0.98, y - 0.22) for x, y in outer[::-1]]
    brace = bar((-wide, 0.15, 0), (wide, 2.45, 0), 0.1, sides=4)
    crosses = [brace.at(0, 0, front + 0.14), brace.mirror("x").at(0, 0, front + 0.16)]
    rails = [box(2 * wide + 0.3, 0.2, 0.14).at(0, y, front + 0.1) for y in (0.1, 2.55)]
    posts = [box(0.2, 2.6, 0.15).at(x, 1.3, front + 0.1) for x in (-wide - 0.1, 0, wide + 0.1)]
    corners = [post for z in (-front, front) for post in both(box(0.3, height, 0.3).at(half - 0.1, height / 2, z))]
    loft = height + 0.35 * rise
    side_windows = through(half, front, [], np.linspace(-0.7, 0.7, windows) * front, [1.6], (0.9, 0.9), 0.06)
    parts = {
        "wall": (wall, extrude([(-half, 0), (half, 0), *right], length)),
        "roof": (roof, [extrude(outer + inner, length + 0.8)]),
        "door": (wall, box(2 * wide, 2.5, 0.2).at(0, 1.25, front)),
        "trim": (trim, [*crosses, *rails, *posts, *corners]),
        "hayloft": ("paint_black", box(1.1, 1.3, length + 0.12).at(0, loft)),
        "hayloft frame": (trim, box(1.5, 1.7, length + 0.08).at(0, loft)),
        "window": (GLASS, side_windows),
    }
    if silo:
        x, tall, radius = side * (half + 1.7), ridge * 1.15, 1.4
        rings = [cylinder(1.03 * radius, 0.15, segments=20).at(x, y, -1) for y in np.linspace(0.1, 0.95, 5) * tall]
        parts["silo"] = ("aluminium", [cylinder(radius, tall, segments=20).at(x, tall / 2, -1), *rings])
        parts["dome"] = (roof, dome(1.02 * radius, 1.1, 20).at(x, tall, -1))
    if cupola:
        parts["roof"][1].append(stack([(ridge + 1.1, 0.8, 0.8), (ridge + 1.8, 0.05, 0.05)]))
        parts["cupola"] = (trim, box(1.2, 1.6, 1.2).at(0, ridge + 0.4))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (house, apartment_block, skyscraper, church, barn)}

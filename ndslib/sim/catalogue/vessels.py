"""Vessels: things that hold food, drink, flowers or light. Handles point to +x, spouts to -x."""

import numpy as np

from ndslib.sim.catalogue._common import each, slab, upright
from ndslib.sim.catalogue._revolved import arch, ear, hollow, hoop, liquid, radius_at
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, both, box, cylinder, dome, lathe, smooth, tube

_GLAZES = ("porcelain", "glazed_blue", "glazed_green", "terracotta", "stoneware", "delft", "paint_red")
_POT_METALS = ("steel", "brushed_steel", "copper", "cast_iron", "aluminium", "paint_red")
_GRIPS = ("plastic_black", "oak", "walnut", "steel")
_CUP_METALS = ("gold", "silver", "bronze", "brass")
_GLASSES = ("glass_clear", "glass_green", "glass_brown")
_LABELS = ("paper", "paint_cream", "newsprint", "paint_red", "linen")
_WOODS = ("oak", "walnut", "pine", "birch", "mahogany")


def _long_handle(start: float, length: float, y: float, width: float, rise: float) -> Solid:
    """A pan's flat handle along +x."""
    path = [(start, y, 0), (start + 0.4 * length, y + 0.7 * rise, 0), (start + length, y + rise, 0)]
    section = np.array([[-0.5, -1], [0.5, -1], [0.5, 1], [-0.5, 1]])
    return tube(smooth(path, 4), np.linspace(0.7, 1.2, 9) * width, section=section)


def mug(genes: Genes) -> Mesh:
    height, base, belly = genes.uniform(1.7, 2.9), genes.uniform(0.65, 1.0), genes.uniform(0.9, 1.2)
    profile = [(base - 0.1, 0), (base, 0.1), (belly, 0.45 * height), (1, height)]
    low, high = genes.uniform(0.15, 0.3) * height, genes.uniform(0.75, 0.9) * height
    stripe, glaze = genes.uniform(0.25, 0.85) * height, genes.choice(_GLAZES)
    parts = {
        "body": (glaze, hollow(profile, 0.1)),
        "handle": (glaze, ear(profile, low, high, genes.uniform(0.4, 0.75), genes.uniform(0.1, 0.17))),
        "stripe": (genes.choice(_GLAZES), hoop(radius_at(profile, stripe), stripe, 0.03, genes.uniform(0.1, 0.5))),
    }
    if genes.chance(0.6):
        parts["drink"] = ("chocolate", liquid(profile, 0.85 * height, 0.1))
    return assemble(parts)


def teapot(genes: Genes) -> Mesh:
    height, mouth = genes.uniform(1.1, 1.9), genes.uniform(0.4, 0.65)
    profile = [(0.55, 0), (0.65, 0.05), (1, genes.uniform(0.35, 0.6) * height), (mouth, height)]
    out, tip = genes.uniform(1.6, 2.0), height * genes.uniform(0.9, 1.15)
    spout = smooth([(-0.75, 0.3 * height), (-1.2, 0.4 * height), (-0.8 * out, 0.7 * height), (-out, tip)], 4)
    girth = np.linspace(genes.uniform(0.22, 0.32), 0.1, len(spout))
    lid, glaze, accent = genes.uniform(0.1, 0.35), genes.choice(_GLAZES + _CUP_METALS), genes.choice(_GLAZES)
    return assemble({
        "body": (glaze, lathe([*smooth(profile, 5), (0, height)], 24)),
        "spout": (glaze, tube(upright(spout), girth)),
        "handle": (glaze, ear(profile, 0.2 * height, 0.85 * height, genes.uniform(0.5, 0.8), 0.1)),
        "lid": (accent, dome(mouth * 1.05, lid, 20).at(y=height)),
        "knob": (accent, ball(genes.uniform(0.1, 0.2), segments=12).at(y=height + lid + 0.08)),
        "foot": (accent, cylinder(0.7, 0.12, 0.6).at(y=0.02)),
    })  # fmt: skip


def vase(genes: Genes) -> Mesh:
    height, neck, lip = genes.uniform(2.4, 4.2), genes.uniform(0.25, 0.55), genes.uniform(0.45, 0.95)
    belly, foot = genes.uniform(0.3, 0.65) * height, genes.uniform(0.35, 0.65)
    profile = [(foot, 0), (1, belly), (neck, 0.5 * belly + 0.43 * height), (lip, height)]
    glaze, accent, band = genes.choice(_GLAZES), genes.choice(_GLAZES), genes.uniform(0.1, 0.4)
    parts = {
        "body": (glaze, hollow(profile, 0.06, 5)),
        "foot": (accent, cylinder(foot + 0.12, 0.2, foot).at(y=0.05)),
        "lip": (accent, hoop(lip, height, 0.07, 0.12)),
        "band": (accent, hoop(radius_at(profile, belly), belly, 0.04, band)),
    }
    handle = ear(profile, belly + 0.1 * height, 0.92 * height, genes.uniform(0.1, 0.3), 0.07)
    if genes.chance(0.35):
        parts["handles"] = (accent, both(handle))
    return assemble(parts)


def bottle(genes: Genes) -> Mesh:
    height, shoulder = genes.uniform(3.2, 5.5), genes.uniform(0.45, 0.68)
    neck, slope = genes.uniform(0.22, 0.4), genes.uniform(0.1, 0.25)
    curve = [(1, shoulder), (0.85, shoulder + 0.3 * slope), (neck, shoulder + slope), (neck, 1)] * np.array([1, height])
    middle, label = genes.uniform(0.4, 0.6) * shoulder * height, genes.uniform(0.3, 0.6) * shoulder * height
    glass, cap = genes.choice(_GLASSES), genes.uniform(0.25, 0.5)
    return assemble({
        "body": (glass, lathe([(0.9, 0), (1, 0.12), *smooth(curve[:-1], 5), curve[-1]], 24)),
        "label": (genes.choice(_LABELS), cylinder(1.03, label).at(y=middle)),
        "rim": (glass, hoop(neck, 0.97 * height, 0.08, 0.2)),
        "cap": (genes.choice(("cork", "paint_red", "gold")), cylinder(0.9 * neck, 2 * cap, neck, 16).at(y=height)),
    })  # fmt: skip


def wine_glass(genes: Genes) -> Mesh:
    stem, cup, width = genes.uniform(0.9, 2.4), genes.uniform(1.2, 2.6), genes.uniform(0.7, 1.0)
    rim = genes.uniform(0.65, 1.1) * width
    profile = [(0.1, stem), (0.75 * width, stem + 0.22 * cup), (width, stem + 0.5 * cup), (rim, stem + cup)]
    fill, bead = genes.uniform(0.35, 0.75), stem * genes.uniform(0.3, 0.8)
    glass = genes.choice(_GLASSES[:2])
    return assemble({
        "bowl": (glass, hollow(profile, 0.05, 5)),
        "stem": (glass, lathe([(0.14, 0.05), (0.07, 0.4 * stem), (0.07, 0.8 * stem), (0.16, stem + 0.06)], 12)),
        "bead": (glass, ball(genes.uniform(0.08, 0.18), segments=12).at(y=bead)),
        "foot": (glass, lathe([(genes.uniform(0.65, 0.9), 0), (0.6, 0.07), (0.1, 0.2)], 24)),
        "wine": (genes.choice(("velvet_red", "lemon_peel", "petal_pink")), liquid(profile, stem + fill * cup, 0.05)),
    })  # fmt: skip


def bowl(genes: Genes) -> Mesh:
    height, flare, foot = genes.uniform(0.55, 0.95), genes.uniform(0.65, 0.85), genes.uniform(0.35, 0.55)
    profile = [(foot, 0), (flare, 0.38 * height), (0.95, 0.75 * height), (genes.uniform(0.98, 1.1), height)]
    stripe, band = genes.uniform(0.5, 0.85) * height, genes.uniform(0.06, 0.2)
    parts = {
        "body": (genes.choice(_GLAZES + _WOODS), hollow(profile, 0.06, 4)),
        "foot": (genes.choice(_GLAZES), cylinder(foot + 0.05, 0.2, segments=20).at(y=-0.05)),
        "stripe": (genes.choice(_GLAZES), hoop(radius_at(profile, stripe), stripe, 0.02, band)),
    }
    fruit, filling = ball(genes.uniform(0.24, 0.32), segments=12).at(y=height), genes.integer(0, 2)
    pile = [fruit.at(y=0.1), *around(fruit.at(x=0.48), genes.integer(3, 5))]
    if filling == 1:
        parts["fruit"] = (genes.choice(("apple_skin", "orange_peel", "lemon_peel")), pile)
    elif filling == 2:
        parts["soup"] = (genes.choice(("tomato", "pumpkin_skin", "water")), liquid(profile, 0.75 * height, 0.06))
    return assemble(parts)


def saucepan(genes: Genes) -> Mesh:
    height, length, width = genes.uniform(0.8, 1.6), genes.uniform(1.4, 2.2), genes.uniform(0.1, 0.16)
    rim, rise, lid, knob = (genes.uniform(*range_) for range_ in ((1, 1.08), (0, 0.35), (0.12, 0.3), (0.1, 0.18)))
    profile = [(0.9, 0), (1, 0.12), (1, 0.5 * height), (rim, height)]
    metal, grip = genes.choice(_POT_METALS), genes.choice(_GRIPS)
    parts = {
        "body": (metal, hollow(profile, 0.06)),
        "rim": (metal, hoop(rim, height, 0.05, 0.1)),
        "handle": (grip, _long_handle(0.98, length, 0.8 * height, width, rise)),
        "rivets": ("steel", both(ball(0.05, segments=8).at(1.02, 0.8 * height, 0.14), "z")),
    }
    if genes.chance(0.5):
        parts["lid"] = (metal, dome(rim, lid).at(y=height + 0.03))
        parts["knob"] = (grip, lathe([(0.06, 0), (0.06, 0.1), (knob, 0.16), (knob, 0.24)], 12).at(y=height + lid))
    return assemble(parts)


def frying_pan(genes: Genes) -> Mesh:
    height, base, length = genes.uniform(0.22, 0.42), genes.uniform(0.72, 0.9), genes.uniform(1.4, 2.1)
    width, rise, seat = genes.uniform(0.09, 0.15), genes.uniform(0.05, 0.4), 0.75 * height
    parts = {
        "pan": (genes.choice(_POT_METALS), hollow([(base, 0), (base + 0.06, 0.05), (1, height)], 0.04)),
        "handle": (genes.choice(_GRIPS), _long_handle(0.95, length, seat, width, rise)),
        "eye": ("steel", hoop(width, seat + rise, 0.03, 0.06).at(x=0.95 + length + width)),
        "rivets": ("steel", both(ball(0.05, segments=8).at(0.94, seat, 0.1), "z")),
    }
    x, z, size = genes.uniform(-0.3, 0.3), genes.uniform(-0.3, 0.3), genes.uniform(0.28, 0.38)
    if genes.chance(0.5):
        parts["egg white"] = ("icing", dome(size, 0.07).scale(x=1.2).at(x, 0.045, z))
        parts["yolk"] = ("paint_yellow", dome(0.45 * size, 0.16, 16).at(x, 0.06, z))
    return assemble(parts)


def pitcher(genes: Genes) -> Mesh:
    height, belly, neck = genes.uniform(2.2, 3.2), genes.uniform(0.3, 0.5), genes.uniform(0.55, 0.75)
    base, low, reach = genes.uniform(0.55, 0.75), genes.uniform(0.2, 0.4), genes.uniform(0.4, 0.75)
    profile = [(base, 0), (1, belly * height), (neck, 0.8 * height), (neck + 0.15, height)]
    body, lip = hollow(profile, 0.07, 5), genes.uniform(0.35, 0.6)
    x, y, z = body.vertices.T
    # The rim is drawn out towards -x, most in the middle and at the top.
    pull = lip * np.clip(-x / (np.hypot(x, z) + 1e-9), 0, 1) ** 4 * np.clip(y / height * 4 - 3, 0, 1)
    stripe, band = genes.uniform(0.2, 0.7) * height, genes.uniform(0.1, 0.5)
    glaze, accent = genes.choice(_GLAZES + _GLASSES), genes.choice(_GLAZES)
    return assemble({
        "body": (glaze, Solid(np.stack([x - pull, y + 0.3 * pull, z], 1), body.faces)),
        "handle": (glaze, ear(profile, low * height, 0.93 * height, reach, 0.11)),
        "stripe": (accent, hoop(radius_at(profile, stripe), stripe, 0.03, band)),
        "foot": (accent, cylinder(base + 0.06, 0.14).at(y=0.03)),
    })  # fmt: skip


def bucket(genes: Genes) -> Mesh:
    height, base = genes.uniform(1.4, 2.2), genes.uniform(0.65, 0.85)
    profile = [(base, 0), (0.5 + base / 2, height / 2), (1, height)]
    swing, top = genes.uniform(-75, 30), genes.uniform(0.8, 1.2)
    bail, grip = (arch(1.06, 0, top, *bar_).turn("x", swing).at(y=0.9 * height) for bar_ in ((0.035,), (0.07, 0.25)))
    levels = np.linspace(0.12, 0.75, genes.integer(1, 3)) * height
    body = genes.choice(("steel", "pine", "plastic_red", "plastic_blue", "plastic_yellow", "tin"))
    return assemble({
        "body": (body, hollow(profile, 0.06)),
        "rim": (body, hoop(1, height, 0.06, 0.12)),
        "hoops": (genes.choice(("iron", "brass")), [hoop(radius_at(profile, y), y, 0.03, 0.12) for y in levels]),
        "ears": ("iron", both(slab(0.1, 0.25, 0.2).at(1.0, 0.9 * height))),
        "bail": ("iron", bail),
        "grip": (genes.choice(_GRIPS), grip),
    })  # fmt: skip


def jar(genes: Genes) -> Mesh:
    """A lidded jar of preserves or biscuits; the content shows as the body's colour."""
    height, mouth, flare = genes.uniform(1.5, 2.8), genes.uniform(0.7, 0.9), genes.uniform(0, 0.1)
    shoulder = smooth([(1, 0.75 * height), (0.95, 0.87 * height), (mouth, 0.95 * height)], 4)
    lid, label, middle = genes.uniform(0.25, 0.45), genes.uniform(0.3, 0.45), genes.uniform(0.36, 0.44)
    content = genes.choice(("glass_clear", "glass_green", "orange_peel", "velvet_red", "lemon_peel", "porcelain"))
    cover = genes.choice(("gold", "checker_red", "paint_red", "paint_green", "brushed_steel", "cork"))
    parts = {
        "body": (content, lathe([(0.85, 0), (1, 0.15), *shoulder, (mouth, height)], 24)),
        "label": (genes.choice(_LABELS), cylinder(1.03, label * height).at(y=middle * height)),
        "lid": (cover, cylinder(mouth + 0.1, lid, mouth + flare).at(y=height + lid / 2)),
        "string": (genes.choice(("rope", "gold")), hoop(mouth + 0.08, height + 0.03, 0.06, 0.1)),
    }
    if genes.chance(0.35):
        parts["knob"] = (cover, ball(0.2, segments=12).at(y=height + lid + 0.12))
    return assemble(parts)


def barrel(genes: Genes) -> Mesh:
    height, end, gap = genes.uniform(2.2, 3.0), genes.uniform(0.7, 0.85), genes.uniform(0.15, 0.3)
    profile = [(end, 0), (1, height / 2), (end, height)]
    levels = height * np.array([0.05, gap, 1 - gap, 0.95])
    wood, iron = genes.choice((*_WOODS, "driftwood")), genes.choice(("iron", "rusty_iron", "brass", "cast_iron"))
    parts = {
        "staves": (wood, hollow(profile, 0.07, 6)),
        "head": (genes.choice(_WOODS), cylinder(end - 0.03, 0.1).at(y=0.95 * height)),
        "hoops": (iron, [hoop(radius_at(profile, y), y, 0.03, 0.13) for y in levels]),
        "bung": ("cork", ball(0.12, segments=10).at(0.4, height / 2, 0.9)),
    }
    style, tap_y = genes.choice(("standing", "standing", "tapped", "lying")), 0.25 * height
    if style == "tapped":
        pipe = tube([(0, tap_y, 0.85), (0, tap_y, 1.25), (0, 0.4 * tap_y, 1.27)], 0.07)
        parts["tap"] = ("brass", [pipe, box(0.3, 0.06, 0.06).at(0, tap_y + 0.12, 1.15)])
    elif style == "lying":  # on its side, its head to the front
        parts = each(parts, lambda solid: solid.turn("x", 90))
    return assemble(parts)


def kettle(genes: Genes) -> Mesh:
    """A stove kettle: a broad body with its handle arched over the lid."""
    height, mouth, top = genes.uniform(1.1, 1.7), genes.uniform(0.4, 0.6), genes.uniform(0.7, 1.1)
    profile = [(0.85, 0), (1, 0.15), (genes.uniform(0.8, 1), 0.55 * height), (mouth, height)]
    out, tip, girth = genes.uniform(1.45, 1.8), height * genes.uniform(0.9, 1.15), genes.uniform(0.18, 0.26)
    metal, grip, span = genes.choice((*_POT_METALS, "chrome", "paint_blue")), genes.choice(_GRIPS), 0.8
    root = 0.6 * height
    return assemble({
        "body": (metal, lathe([*smooth(profile, 4), (0, height)], 24)),
        "spout": (metal, tube([(-0.7, 0.4 * height, 0), (-out, tip, 0)], [girth, 0.1])),
        "lid": (metal, dome(mouth * 1.06, 0.14, 20).at(y=height)),
        "knob": (grip, ball(genes.uniform(0.09, 0.15), segments=12).at(y=height + 0.2)),
        "bail": ("steel", arch(span, root, height + top, 0.06)),
        "grip": (grip, arch(span, root, height + top, 0.11, genes.uniform(0.35, 0.55))),
    })  # fmt: skip


def trophy(genes: Genes) -> Mesh:
    stem, cup, rim = genes.uniform(0.5, 1.2), genes.uniform(1.4, 2.2), genes.uniform(0.85, 1.1)
    profile = [(0.15, stem), (0.65, stem + 0.2 * cup), (genes.uniform(0.7, 0.85), stem + 0.6 * cup), (rim, stem + cup)]
    reach, bead = genes.uniform(0.35, 0.75), genes.uniform(0.14, 0.24)
    metal, stone = genes.choice(_CUP_METALS), genes.choice(("marble_black", "ebony", "walnut"))
    wide = genes.uniform(0.9, 1.3)
    steps = [slab(wide, 0.5, wide).at(y=-0.25), slab(wide + 0.25, 0.15, wide + 0.25).at(y=-0.5)]
    pillar = [(0.5, -0.05), (0.4, 0.1), (0.1, 0.35 * stem), (0.1, 0.7 * stem), (0.3, stem + 0.08)]
    parts = {
        "cup": (metal, hollow(profile, 0.06, 4)),
        "rim": (metal, hoop(rim, stem + cup, 0.06, 0.12)),
        "handles": (metal, both(ear(profile, stem + 0.25 * cup, stem + 0.85 * cup, reach, 0.07))),
        "stem": (metal, lathe(pillar, 20)),
        "bead": (metal, ball(bead, segments=14).at(y=0.55 * stem)),
        "plinth": (stone, steps),
        "plaque": ("gold", box(0.6 * wide, 0.25, 0.06).at(0, -0.25, wide / 2)),
    }
    if genes.chance(0.4):
        lid = lathe([(rim, 0), (0.7 * rim, 0.2), (0.15, 0.4), (0.1, 0.5)], 20).at(y=stem + cup + 0.04)
        parts["lid"] = (metal, [lid, ball(0.18, segments=12).at(y=stem + cup + 0.6)])
    return assemble(parts)


def watering_can(genes: Genes) -> Mesh:
    height, top, out = genes.uniform(1.3, 2.0), genes.uniform(0.8, 1.0), genes.uniform(2.1, 2.8)
    profile = [(1, 0), ((1 + top) / 2, height / 2), (top, height)]
    start, end = np.array([-0.8, 0.3, 0]), np.array([-out, height * genes.uniform(1.0, 1.4), 0])
    along = (end - start) / np.linalg.norm(end - start)
    rose, crown = genes.uniform(0.25, 0.42), height + genes.uniform(0.5, 0.9)
    head = end + np.array([[-0.05], [0.4], [0.46]]) * along
    grip = [(-0.3, height), (0, crown), (1.1, 0.9 * crown), (1.4, 0.6 * height), (0.9, 0.3 * height)]
    paint = genes.choice(("paint_green", "steel", "tin", "copper", "plastic_red", "plastic_blue"))
    return assemble({
        "body": (paint, hollow(profile, 0.06)),
        "cover": (paint, dome(top - 0.02, 0.35, 20).scale(x=0.6).at(x=-0.38 * top, y=height - 0.05)),
        "spout": (paint, tube([start, end], [0.22, 0.1])),
        "rose": (genes.choice(("brass", "steel", paint)), tube(head, [0.1, rose, 0.9 * rose], 14)),
        "brace": (paint, tube([(-0.8 * top, 0.95 * height, 0), 0.4 * start + 0.6 * end], 0.05, 6)),
        "handle": (paint, tube(upright(smooth(grip, 4)), 0.09, 8)),
        "hoops": (paint, [hoop(radius_at(profile, y), y, 0.05, 0.1) for y in (0.03, height)]),
    })  # fmt: skip


def candlestick(genes: Genes) -> Mesh:
    """One candle, or a candelabrum with two or four arms as well."""
    height, arms, reach = genes.uniform(1.4, 3.0), genes.choice((0, 0, 2, 4)), genes.uniform(0.8, 1.2)
    candle, pan, lift = genes.uniform(0.7, 1.6), genes.uniform(0.26, 0.4), genes.uniform(-0.3, 0.1)
    metal = genes.choice((*_CUP_METALS, "cast_iron", "glazed_blue"))
    wax = genes.choice(("ivory", "paint_red", "paint_cream"))
    foot, lit = genes.uniform(0.6, 0.85), genes.chance(0.7)
    beads = [(genes.uniform(0.07, 0.2), share * height) for share in (0.2, 0.35, 0.5, 0.65, 0.8)]
    curve = [(0, 0.5 * height), (0.5 * reach, 0.38 * height), (reach, 0.55 * height), (reach, height + lift)]

    def crowned(solid: Solid) -> list[Solid]:
        """Copies on top of the stem and of every arm."""
        return [solid.at(y=height), *around(solid.at(reach, height + lift), arms)]

    parts = {
        "stem": (metal, lathe([(foot, 0), *smooth([(0.9 * foot, 0.12), *beads, (0.12, height)], 3)], 16)),
        "pans": (metal, crowned(lathe([(0.1, -0.15), (pan, 0), (pan, 0.06), (0.14, 0.08), (0.14, 0.2)], 14))),
        "candles": (wax, crowned(cylinder(0.11, candle, segments=10).at(y=0.5 * candle + 0.05))),
    }
    if arms:
        parts["arms"] = (metal, around(tube(upright(smooth(curve, 3)), 0.06, 6), arms))
    if lit:
        flame = lathe([(0.02, 0), (0.1, 0.12), (0.06, 0.25), (0, 0.42)], 8).at(y=candle + 0.08)
        parts["flames"] = ("lamp_glow", crowned(flame))
    return assemble(parts)


CLASSES = {
    make.__name__: make
    for make in (mug, teapot, vase, bottle, wine_glass, bowl, saucepan, frying_pan, pitcher, bucket, jar, barrel,
                 kettle, trophy, watering_can, candlestick)
}  # fmt: skip

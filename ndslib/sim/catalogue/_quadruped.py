"""Four-legged animals from a table of proportions."""

from dataclasses import dataclass, fields

import numpy as np

from ndslib.sim.catalogue._common import Parts, each
from ndslib.sim.catalogue._organic import limb
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, assemble, ball, both, cylinder


@dataclass(frozen=True)
class Build:
    """Proportions of a four-legged animal, in lengths of its trunk.

    The trunk lies along z about the origin. The head's own frame has its origin in the skull and +z along the muzzle;
    its unit is the skull's radius, also for `muzzle` and `snout`.
    """

    girth: float  # half the height of the chest
    leg: float  # from the belly to the ground
    limb: float  # radius of the legs
    neck: float  # length
    throat: float  # radius of the neck's upper end
    skull: float  # radius
    muzzle: float  # length from the skull's centre
    snout: float  # radius of the muzzle's end
    rise: float = 45.0  # degrees of the neck above the horizontal
    nod: float = 10.0  # degrees of the muzzle below the horizontal
    width: float = 0.85  # of the trunk, as a share of its height
    dip: float = 0.06  # how far the neck's middle hangs below a straight line, as a share of its length
    waist: float = 0.9  # belly's height, as a share of the chest's
    rump: float = 0.85  # hips' height, as a share of the chest's
    crouch: float = 0.12  # how far knees and hocks bend, as a share of the leg

    def varied(self, genes: Genes) -> "Build":
        """Lengths change by an eighth, angles by ten degrees."""
        changed = {
            field.name: getattr(self, field.name) * genes.uniform(0.88, 1.12)
            for field in fields(self)
            if field.name not in ("rise", "nod")
        }
        return Build(**changed, rise=self.rise + genes.uniform(-10, 10), nod=self.nod + genes.uniform(-10, 10))


def quadruped(genes: Genes, build: Build, coat: str, face: Parts, rest: Parts, foot: str, skin: str = "") -> Mesh:
    """An animal in mid-stride on the foot "paw" or "hoof".

    `face` are parts in the head's frame and `rest` in the trunk's; `skin` covers head and legs that lack the coat.
    """
    skin = skin or coat
    trunk, neck, crest = _trunk(build)
    legs, feet = _legs(genes, build, foot)
    look = genes.uniform(-35, 35)
    eyes = both(ball(0.16, segments=8).at(0.72, 0.3, 0.55))
    head = {"head": (skin, [_skull(build)]), "eye": ("plastic_black", eyes), **face}
    size = build.skull
    head = each(head, lambda part: part.scale(size, size, size).turn("x", build.nod).turn("y", look).at(*crest))
    feet = (skin if foot == "paw" else "rubber_black", feet)
    return assemble({"body": (coat, trunk), "neck": (coat, neck), "leg": (skin, legs), foot: feet, **head, **rest})


def _trunk(build: Build) -> tuple[Solid, Solid, np.ndarray]:
    """Trunk, neck and the place of the neck's upper end."""
    girth, rise = build.girth, np.radians(build.rise)
    trunk = limb([(0, -0.05 * girth, -0.42, 0.7 * build.rump * girth), (0, 0.08 * girth, -0.3, build.rump * girth),
                  (0, -0.02, 0, build.waist * girth), (0, 0, 0.3, girth), (0, 0, 0.42, 0.75 * girth)],
                 build.width, sides=12)  # fmt: skip
    base = np.array([0, 0.25 * girth, 0.4])
    crest = base + build.neck * np.array([0, np.sin(rise), np.cos(rise)])
    middle = 0.5 * (base + crest) - [0, build.dip * build.neck, 0]
    neck = limb([(*base, 0.8 * girth), (*middle, 0.3 * girth + 0.6 * build.throat), (*crest, build.throat)], 0.8, 9)
    return trunk, neck, crest


def _skull(build: Build) -> Solid:
    return limb([(0, 0.1, -0.3, 0.85), (0, 0, 0.3, 0.9), (0, -0.15, 0.6 * build.muzzle, 0.45 + 0.55 * build.snout),
                 (0, -0.2, build.muzzle - build.snout, build.snout)], 0.95)  # fmt: skip


def _legs(genes: Genes, build: Build, foot: str) -> tuple[list[Solid], list[Solid]]:
    """Four legs and their feet; diagonal pairs swing against each other."""
    swing = genes.uniform(-0.35, 0.35) * build.leg
    belly, ground, thick = -build.girth, -build.girth - build.leg, build.limb
    bend = build.crouch * build.leg
    legs, feet = [], []
    for x in (-0.6 * build.girth * build.width, 0.6 * build.girth * build.width):
        stride = swing * np.sign(x)
        ankle = ground + 0.6 * thick
        front = [(x, 0.4 * belly, 0.34, 1.6 * thick), (x, belly - 0.4 * build.leg, 0.34 + 0.4 * stride + bend, thick),
                 (x, ankle, 0.34 + stride, 0.8 * thick)]  # fmt: skip
        hind = [(x, 0.2 * belly, -0.33, 2.2 * thick), (x, belly - 0.15 * build.leg, bend - 0.33, 1.5 * thick),
                (x, belly - 0.6 * build.leg, -0.4 - bend - 0.4 * stride, 0.95 * thick),
                (x, ankle, -0.36 - stride, 0.8 * thick)]  # fmt: skip
        for points in (front, hind):
            legs.append(limb(points, sides=7, steps=2))
            feet.append(_FEET[foot](thick).at(x, ground, points[-1][2]))
    return legs, feet


_FEET = {
    "hoof": lambda size: cylinder(1.25 * size, size, 0.9 * size, 10).at(0, 0.5 * size, 0.15 * size),
    "paw": lambda size: ball(1.1 * size, 0.7 * size, 1.5 * size, 8).at(0, 0.6 * size, 0.5 * size),
}

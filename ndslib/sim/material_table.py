"""The materials' data; `ndslib.sim.materials` evaluates them."""

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """A surface whose colour follows a solid pattern.

    Attributes:
        name: what it looks like.
        pattern: a name of `ndslib.sim.patterns.PATTERNS`; its tone 0 to 1 leads from `first` over `middle` to `second`.
        scale: cells of the pattern per unit of length (half an object's diagonal is 1 unit).
        first, middle, second: linear RGB, 0 to 1.
        roughness: 0 (mirror) to 1 (matt) where the tone is 0 and where it is 1.
        metallic: 0 (dielectric) to 1 (metal) where the tone is 0 and where it is 1.
        emission: light that it gives off itself, as a multiple of its colour.
    """

    name: str
    pattern: str
    scale: float
    first: Colour
    middle: Colour
    second: Colour
    roughness: tuple[float, float]
    metallic: tuple[float, float] = (0.0, 0.0)
    emission: float = 0.0


def linear(colour: str) -> Colour:
    """Linear RGB, 0 to 1, of an sRGB colour in hexadecimal, e.g. "c8a165"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


Pair = float | tuple[float, float]


def _material(name: str, pattern: str, scale: float, colours: str, roughness: Pair, metallic: Pair = 0.0,
              emission: float = 0.0) -> Material:  # fmt: skip
    """`colours` are one to three sRGB colours: of the whole, of both ends, or of both ends with the one between."""
    ends = [linear(colour) for colour in colours.split()]
    first, second = ends[0], ends[-1]
    middle = ends[1] if len(ends) == 3 else tuple((a + b) / 2 for a, b in zip(first, second, strict=True))
    both = [pair if isinstance(pair, tuple) else (pair, pair) for pair in (roughness, metallic)]
    return Material(name, pattern, scale, first, middle, second, *both, emission)


# fmt: off
_ROWS = [
    # woods
    ("oak", "wood", 4, "c9a36a 94683a", 0.5), ("walnut", "wood", 4, "7a5138 3f271a", 0.45),
    ("pine", "wood", 3, "e6c48d c08a4c", 0.55), ("cherry_wood", "wood", 4, "b5683f 843d22", 0.35),
    ("mahogany", "wood", 5, "7d3522 4a1a12", 0.3), ("birch", "wood", 3, "ecd9b4 d9bd8c", 0.5),
    ("bamboo_wood", "planks", 6, "e2c27c b98f48", 0.4), ("driftwood", "wood", 5, "b3a898 786d60", 0.85),
    ("ebony", "wood", 5, "332722 15100e", 0.3), ("plywood", "strata", 5, "dfbd8a b98b58", 0.7),
    ("floorboards", "planks", 2.5, "b98650 5b3a20", 0.45),
    # metals
    ("steel", "clouds", 2, "8d9196 a7abb0", 0.32, 1.0), ("brushed_steel", "brushed", 5, "8b8d90 c3c5c8", 0.38, 1.0),
    ("iron", "clouds", 3, "4e4c4a 6b6866", (0.6, 0.45), 0.9), ("cast_iron", "speckle", 14, "2b2b2d 414144", 0.7, 0.6),
    ("rusty_iron", "patches", 2.2, "5c534c 7c4022 a9552a", (0.5, 0.95), (0.8, 0.0)),
    ("copper", "clouds", 2, "c4724a da8a62", 0.28, 1.0),
    ("patina_copper", "patches", 1.8, "9b5f42 6f9c86 7fc0a6", (0.4, 0.9), (0.9, 0.0)),
    ("brass", "clouds", 2, "b8943f d0ae5a", 0.27, 1.0), ("gold", "clouds", 2, "e3ae3a f5c75a", 0.2, 1.0),
    ("silver", "clouds", 2, "c6c4be dedcd6", 0.2, 1.0), ("aluminium", "brushed", 3, "bcbfc3 d3d5d8", 0.42, 1.0),
    ("chrome", "plain", 1, "d2d6da", 0.05, 1.0),
   
    ("bronze", "patches", 1.5, "7c5a2e 63502f 55603f", (0.35, 0.6), (1.0, 0.6)),
    ("tin", "clouds", 4, "8e938f a9ada6", 0.5, 0.9),
    # stones
    ("granite_grey", "speckle", 14, "44444a 97979b d6d4d2", 0.35),
    ("granite_red", "speckle", 12, "4b3733 a2604f cf9c88", 0.35),
    ("marble_white", "marble", 1.4, "ece9e4 8d8f96", 0.15),
    ("marble_black", "marble", 1.4, "19191c c9c5bd", 0.12), ("marble_green", "marble", 1.6, "1f4a38 9cc2a5", 0.14),
    ("sandstone", "strata", 3, "d9b27c b9824e", 0.9), ("limestone", "speckle", 7, "d8cfb6 c2b798", 0.9),
    ("slate", "strata", 4, "3f464d 5b646c", 0.6), ("basalt", "spots", 9, "37373a 1d1d20", 0.8),
    ("travertine", "dashes", 3, "dcc9a6 a5875d", (0.4, 0.9)), ("concrete", "clouds", 5, "8d8c88 aaa9a4", 0.9),
    ("gravel", "cells", 9, "3a3631 8d867c c3bbae", 0.95), ("onyx", "strata", 1.6, "f0d8a6 c98b45 6e3a1c", 0.1),
    ("jade", "clouds", 2, "3d8f63 8cc7a0", 0.18), ("terrazzo", "spots", 5, "dfdad2 b0654a 3c5c57", 0.25),
    # masonry
    ("brick_red", "bricks", 3, "b9b1a5 a44f38 7c3323", 0.9), ("brick_yellow", "bricks", 3, "c9c2b4 d3ac69 b08545", 0.9),
    ("cobblestone", "cells", 3.2, "2f2c29 6d6862 a39c92", 0.75), ("paving", "tiles", 1.6, "6f6c66 a39d92 bdb6a9", 0.85),
    ("roof_tiles", "scales", 5, "c2663f a84f2f 4a2015", 0.75), ("shingles", "scales", 6, "76777c 55565b 26262a", 0.85),
    ("plaster", "clouds", 2, "e2dcd0 efeae0", 0.95), ("stucco", "speckle", 10, "cdb48f e6d2b0", 0.95),
    ("asphalt", "speckle", 26, "2b2b2d 46464a 77777a", 0.95),
    # ceramics
    ("porcelain", "plain", 1, "f1f0ec", 0.1), ("glazed_blue", "clouds", 1.6, "163f86 2f67b5", 0.1),
    ("glazed_green", "clouds", 1.6, "1d5a3a 4f9a63", 0.1), ("terracotta", "clouds", 4, "b5613d cc7d55", 0.85),
    ("stoneware", "speckle", 10, "a58e6f cdb797", 0.5),
    ("tiles_white", "tiles", 3.5, "8d8b86 f0f0ec e6e6e0", (0.7, 0.12)),
    ("tiles_blue", "tiles", 3.5, "d8dadb 3c7fc0 1f4f93", (0.7, 0.12)),
    ("mosaic", "tiles", 7, "d6d0c2 e2a23b 1b7f8c", (0.7, 0.15)), ("delft", "delft", 2, "eef0f0 9fb1cc 1f3f8f", 0.12),
    # plastics
    ("plastic_white", "plain", 1, "e9e9e6", 0.35), ("plastic_black", "plain", 1, "1c1c1e", 0.35),
    ("plastic_red", "plain", 1, "cf1f22", 0.35), ("plastic_orange", "plain", 1, "f0741a", 0.35),
    ("plastic_yellow", "plain", 1, "f4cb16", 0.35), ("plastic_green", "plain", 1, "22a045", 0.35),
    ("plastic_blue", "plain", 1, "1c57c4", 0.35), ("plastic_purple", "plain", 1, "7a2ea8", 0.35),
    ("plastic_pink", "plain", 1, "f06fa4", 0.35), ("plastic_grey", "plain", 1, "86888b", 0.4),
    # paints
    ("paint_white", "clouds", 3, "dcdad2 e6e4dd", 0.6), ("paint_cream", "clouds", 3, "e8dab2 f0e4c2", 0.6),
    ("paint_red", "clouds", 3, "9f2620 ad2f28", 0.6), ("paint_orange", "clouds", 3, "cf6426 dc7232", 0.6),
    ("paint_yellow", "clouds", 3, "d9ab2c e4b93f", 0.6), ("paint_green", "clouds", 3, "3f7346 4b8252", 0.6),
    ("paint_blue", "clouds", 3, "4478ab 5286b9", 0.6), ("paint_navy", "clouds", 3, "1b2847 232f52", 0.6),
    ("paint_purple", "clouds", 3, "5d3f7c 694a89", 0.6), ("paint_pink", "clouds", 3, "d893a2 e2a2af", 0.6),
    ("paint_grey", "clouds", 3, "6d7174 787c7f", 0.6), ("paint_black", "clouds", 3, "202022 2a2a2c", 0.6),
    # car paints
    ("metallic_red", "speckle", 28, "8f1018 b51c24", 0.18, 0.6),
    ("metallic_blue", "speckle", 28, "12398c 2154b3", 0.18, 0.6),
    ("metallic_silver", "speckle", 28, "9ea3a9 bfc3c8", 0.22, 0.7),
    ("metallic_green", "speckle", 28, "0f5238 1c7350", 0.18, 0.6),
    ("metallic_black", "speckle", 28, "111216 2a2c33", 0.15, 0.6),
    # rubber
    ("rubber_black", "speckle", 20, "1d1d1d 292929", 0.9), ("rubber_red", "speckle", 20, "8f2b25 a1352e", 0.9),
    ("rubber_grey", "speckle", 20, "5a5b5c 69696a", 0.9),
    # fabrics
    ("linen", "weave", 22, "d9cba9 a89874", 0.95), ("denim", "weave", 26, "5b7ca6 24406b", 0.95),
    ("cotton_white", "weave", 26, "efeeea cfcec8", 0.95), ("cotton_red", "weave", 26, "b52a30 861a20", 0.95),
    ("cotton_blue", "weave", 26, "6da0cf 4676a8", 0.95), ("wool_grey", "speckle", 16, "6b6b6d 9a9a9a", 1.0),
    ("wool_brown", "speckle", 16, "5d4431 8b6b4e", 1.0), ("knit_red", "knit", 9, "c73339 5a1114", 1.0),
    ("tartan", "tartan", 2.6, "b3202a 234a35 12202e", 0.95), ("striped_cloth", "stripes", 4.5, "ece7da 2f5d96", 0.95),
    ("polka_cloth", "polka", 3.5, "c8344a f3efe6", 0.95), ("velvet_red", "clouds", 3, "5c0b16 8a1526", 0.85),
    ("velvet_green", "clouds", 3, "0e3d28 1a5c3e", 0.85), ("canvas", "weave", 14, "cbb994 94835f", 0.95),
    ("burlap", "weave", 9, "b58f5a 6a4d2a", 1.0), ("felt_green", "speckle", 20, "1f6a3c 2d7d4b", 1.0),
    ("carpet", "speckle", 16, "6d2430 a04a4e c98a70", 1.0), ("silk", "strata", 1.2, "d9a7b8 f0cbd6", 0.3),
    ("camouflage", "camouflage", 2.4, "8c8658 4c5a32 2e2a20", 0.95),
    # leathers
    ("leather_brown", "cells", 16, "4a2c18 6b4226 7d5031", 0.5),
    ("leather_black", "cells", 16, "121110 232120 2b2927", 0.4),
    ("leather_tan", "cells", 16, "96683a b98650 c79660", 0.55),
    ("leather_red", "cells", 16, "5d1312 8a1f1d 98292a", 0.45),
    # papers
    ("paper", "clouds", 6, "eeebe1 f6f4ed", 0.95), ("cardboard", "brushed", 3, "b48c5c c7a172", 0.95),
    ("newsprint", "print_", 5, "dedacd 4a4a48", 0.95),
    # wicker and rope
    ("wicker", "weave", 7, "d3a868 6b4420", 0.7), ("rope", "hazard", 8, "c9ad7c 957443", 0.95),
    ("straw", "fur", 5, "a8812f e9cf7f", 0.9), ("cork", "speckle", 8, "7d5433 b98a5c cda472", 0.9),
    # ground and plants
    ("grass", "fur", 7, "2b5216 4f8a2a 86b848", 0.95), ("moss", "speckle", 9, "33511d 5d7f2c 8ba33f", 1.0),
    ("soil", "speckle", 7, "2e2018 4d3828 6d543e", 1.0), ("sand", "speckle", 26, "c9ac76 d9c08e e9d6ab", 1.0),
    ("mud", "clouds", 2, "3d2d1e 6b5238", (0.4, 0.9)), ("snow", "clouds", 1.5, "dfe7f2 f8fafc", 0.8),
    ("leaf_green", "marble", 2.6, "3f8a30 9cc56b", 0.5), ("leaf_dark", "marble", 2.6, "1d4a26 4f8550", 0.4),
    ("leaf_autumn", "patches", 2.2, "c8501d d98a26 e3b53a", 0.7), ("bark", "ridges", 4, "7a6450 2c2018", 1.0),
    ("bark_birch", "dashes", 3, "e6e2d8 332e29", 0.85), ("petal_red", "fur", 2, "a50f1e d8263a", 0.6),
    ("petal_yellow", "fur", 2, "e8ae12 f9dc43", 0.6), ("petal_white", "fur", 2, "e2e0d6 f6f5ef", 0.6),
    ("petal_pink", "fur", 2, "dc6f9d f5b3cb", 0.6), ("petal_purple", "fur", 2, "5c2b92 9a63c9", 0.6),
    ("cactus_green", "stripes", 5, "569c54 2f6b3a", 0.6),
    # animals
    ("skin_light", "clouds", 4, "dfa886 efc4a6", 0.55), ("skin_dark", "clouds", 4, "5a3725 764b34", 0.5),
    ("skin_grey", "cells", 12, "5f5b57 85807a 948f88", 0.8), ("fur_brown", "fur", 5, "46301d 7d5a38 9a7550", 0.9),
    ("fur_black", "fur", 5, "121110 29282a 403e40", 0.8), ("fur_white", "fur", 5, "c9c4b8 e9e6de f7f5f0", 0.9),
    ("fur_grey", "fur", 5, "55555a 8a8a90 b1b1b5", 0.9), ("fur_ginger", "fur", 5, "9c4f18 d07f35 e7a65d", 0.9),
    ("fur_tabby", "zebra", 4.5, "a58c6a 45372a", 0.9), ("zebra", "zebra", 2.6, "ece8df 1c1a1a", 0.85),
    ("leopard", "rosettes", 4, "d9a757 a8702f 2a1a10", 0.85),
    ("giraffe_coat", "cells", 2.6, "e3c894 a8682f 8a4c1e", 0.85), ("cow_coat", "patches", 1.1, "ece8e0 221d1a", 0.85),
    ("feathers_white", "scales", 5, "f6f5f1 e3e2de a6a6a8", 0.8),
    ("feathers_yellow", "scales", 5, "f7d53c e7b422 a87510", 0.8),
    ("feathers_blue", "scales", 5, "4f9fdc 2268b5 0f2f66", 0.7),
    ("scales_green", "scales", 8, "6fae4a 3f7d35 17381c", 0.35),
    ("scales_silver", "scales", 8, "d0d6da 98a3ab 4a555e", 0.25, 0.6),
    ("scales_orange", "scales", 8, "f59a36 e0661a 8a2f0a", 0.3),
    ("tortoiseshell", "camouflage", 2, "d8963a 8a4c18 2c160b", 0.15), ("shell", "strata", 3, "f2ddc4 d79f7c", 0.3),
    ("coral", "spots", 7, "f0745c e89a80 fbd9c8", 0.85), ("bone", "clouds", 4, "d9cdb0 ece3cc", 0.6),
    ("ivory", "strata", 2, "efe5cb f7f0de", 0.3),
    # foods
    ("bread", "spots", 8, "c98f4e 9a602c 7a4419", 0.95), ("chocolate", "clouds", 2, "3a1f12 4f2c1b", 0.35),
    ("cheese", "spots", 2.4, "f2c445 c99326 b07a18", 0.5), ("tomato", "clouds", 1.5, "c41f14 dd3a22", 0.2),
    ("lemon_peel", "spots", 14, "f4d92c d6b212", 0.4), ("orange_peel", "spots", 14, "f0861a c9620a", 0.45),
    ("apple_skin", "fur", 2.5, "a3121c b8242a cf6a3a", 0.25), ("banana_skin", "fur", 2.5, "b8902c efc832 f4d646", 0.5),
    ("watermelon", "zebra", 2.4, "8fbf5a 1f4f23", 0.3), ("pumpkin_skin", "stripes", 3.2, "e37a1c cf6512", 0.5),
    ("icing", "spots", 6, "f7c6d6 5fb7e0 f2d33c", 0.4),
    # glassy
    ("glass_clear", "plain", 1, "c7d6da", 0.03), ("glass_green", "plain", 1, "2f6b48", 0.03),
    ("glass_brown", "plain", 1, "5a3312", 0.03), ("ice", "marble", 1.2, "b9dcec f2fafd", 0.08),
    ("water", "clouds", 2, "1f5f86 3f8bae", 0.04), ("screen", "print_", 3, "123a66 2c6fb5 9fd0ff", 0.08, 0.0, 0.9),
    # patterns
    ("checker_black_white", "checker", 3, "141414 f0f0f0", 0.3), ("checker_red", "checker", 3, "c2262a f0ece2", 0.4),
    ("hazard_stripes", "hazard", 2.6, "f2c011 18181a", 0.5), ("spots_rainbow", "spots", 3, "f4f2ee f2c21c d4237a", 0.4),
    ("lamp_glow", "clouds", 1, "ffd9a0 ffe9c4", 0.6, 0.0, 1.2),
]
# fmt: on

MATERIALS: dict[str, Material] = {row[0]: _material(*row) for row in _ROWS}

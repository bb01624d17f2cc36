"""Light on surfaces: a sun with shadows, the sky and the floor as soft light from all around, and their reflection.

Reflection follows the microfacet model of most physically based renderers: GGX distribution, Smith visibility,
Schlick's Fresnel term (Walter et al. 2007; Burley 2012).
"""

import math

import torch

from ndslib.sim import backgrounds, materials
from ndslib.sim.camera import dot, each, length
from ndslib.sim.scene import SceneBatch
from ndslib.sim.shadow import ShadowMap, sunlight
from ndslib.sim.surroundings import Points

# Irradiance over pi of a sun of intensity 1, and of the sky: white paper in the sun is a little brighter than white.
SUN, SKYLIGHT = 2.2, 1.05


def shade(scene: SceneBatch, points: Points, view: torch.Tensor, shadows: ShadowMap) -> torch.Tensor:
    """Linear RGB float32 [3, S] that the points send to the camera.

    Args:
        view: float32 [3, S], unit vectors from the points to the camera.
    """
    picture, normal = points.picture, points.normal
    surface = materials.surface(points.material, points.texture.T, points.footprint)
    albedo = surface.albedo.T
    place = backgrounds.table(normal.device)[scene.background]
    to_sun = each(scene.light_direction, picture)
    facing = dot(normal, to_sun).clamp(min=0)
    visible = sunlight(shadows, points.position, normal, picture) * facing
    sun = each(scene.light_color * scene.light_intensity[:, None] * SUN, picture) * visible
    diffuse = albedo * (1 - surface.metallic)
    base = 0.04 + surface.metallic * (albedo - 0.04)  # reflectance straight on
    half = to_sun + view
    half = half / length(half).clamp(min=1e-6)
    towards = dot(normal, view).clamp(min=1e-3)
    lobe = _ggx(dot(normal, half).clamp(min=0), towards, facing, surface.roughness) / math.pi
    fresnel = _schlick(base, dot(view, half).clamp(min=0))
    color = sun * (diffuse + fresnel * lobe)
    color += diffuse * _skylight(place, picture, normal[1])
    mirrored = 2 * towards * normal[1] - view[1]  # height of the mirrored direction
    blur = 0.08 + surface.roughness
    reflected = _skylight(place, picture, (mirrored / blur).clamp(-1, 1))
    color += reflected * _schlick(base, towards) * (1 - 0.6 * surface.roughness)
    return color + albedo * surface.emission


def _ggx(n_h: torch.Tensor, n_v: torch.Tensor, n_l: torch.Tensor, roughness: torch.Tensor) -> torch.Tensor:
    """pi times the microfacet distribution times visibility, float32 [S]."""
    alpha = (roughness * roughness).clamp(min=0.02)
    square = alpha * alpha
    spread = n_h * n_h * (square - 1) + 1
    k = alpha / 2
    return square / (spread * spread) / (4 * (n_v * (1 - k) + k) * (n_l * (1 - k) + k))


def _schlick(base: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    away = 1 - cosine.clamp(max=1)
    fifth = away * away
    fifth = fifth * fifth * away
    return base + (1 - base) * fifth


def _skylight(place: torch.Tensor, picture: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """Soft light float32 [3, S] from around a direction of a given height (-1 down to 1 up)."""
    above = place[:, backgrounds.SKY_ZENITH] + place[:, backgrounds.SKY_HORIZON]
    below = materials.table(place.device)[place[:, backgrounds.COLUMNS["floor"]].long()][:, materials.AVERAGE]
    above, below = above * (SKYLIGHT / 2), below * (SKYLIGHT / 2)
    share = 0.5 + 0.5 * height
    return each(below, picture) + share * each(above - below, picture)

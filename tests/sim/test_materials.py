import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim import materials
from ndslib.sim.material_table import _ROWS, linear
from ndslib.sim.patterns import PATTERNS, evaluate

KINDS = sorted(PATTERNS)
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def places(count, reach=30.0, seed=0):
    return (torch.rand(3, count, generator=torch.Generator().manual_seed(seed)) - 0.5) * 2 * reach


def samples(count, seed=0):
    draws = torch.Generator().manual_seed(seed)
    material = torch.randint(len(materials.NAMES), (count,), generator=draws)
    return material, places(count, 3, seed).T.contiguous(), 0.05 * torch.rand(count, generator=draws)


def cut(name, count=4096, footprint=0.0, shift=0.0):
    """The material's surface at `count` places within an object, all moved by `shift`."""
    row = torch.full((count,), materials.index(name))
    return materials.surface(row, places(count, 1).T + shift, torch.full((count,), footprint))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reach", [1.0, 30.0, 1e3, 1e9])
def test_tones_are_finite_and_in_range(kind, reach):
    tone = evaluate(kind, places(5000, reach), torch.full((5000,), 0.02))
    assert tone.shape == (5000,)
    assert tone.dtype == torch.float32
    assert torch.isfinite(tone).all()
    assert 0 <= tone.min() <= tone.max() <= 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "plain"])
def test_patterns_vary_in_all_space_and_on_the_floor(kind):
    floor = places(5000) * torch.tensor([1.0, 0.0, 1.0])[:, None]
    for place in (places(5000), floor):
        assert evaluate(kind, place, torch.zeros(5000)).std() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_tone_does_not_depend_on_its_neighbours(kind):
    place, footprint = places(3001), torch.linspace(0, 0.6, 3001)
    whole = evaluate(kind, place, footprint)
    for chosen in (torch.arange(7, 2000), torch.arange(0, 3001, 3), torch.randperm(3001), torch.tensor([11])):
        assert torch.equal(evaluate(kind, place[:, chosen], footprint[chosen]), whole[chosen])


@pytest.mark.parametrize("kind", KINDS)
def test_tones_fade_to_the_mean_where_pixels_are_large(kind):
    mean, place = PATTERNS[kind].mean, places(100_000, 100.0)
    near, far, farther = (evaluate(kind, place, torch.full((100_000,), size)) for size in (0.0, 0.75, 1.0))
    assert (far - mean).abs().mean() <= 0.6 * (near - mean).abs().mean()
    assert (farther - mean).abs().max() < 1e-6
    assert near.mean() == pytest.approx(mean, abs=0.02)


def test_arguments_are_left_alone():
    material, position, footprint = samples(500)
    before = material.clone(), position.clone(), footprint.clone()
    transposed = position.T.contiguous().T  # of which `surface` needs no copy
    materials.surface(material, transposed, footprint)
    assert all(torch.equal(a, b) for a, b in zip(before, (material, transposed, footprint), strict=True))


def test_surfaces_are_in_range_and_of_the_promised_kind():
    surface = materials.surface(*samples(20_000))
    assert surface.albedo.shape == (20_000, 3)
    for name, values in surface._asdict().items():
        assert values.dtype == torch.float32
        assert values.shape[0] == 20_000
        assert values.min() >= 0
        assert name == "emission" or values.max() <= 1


def test_a_surface_does_not_depend_on_the_rest_of_the_batch():
    arguments = samples(8000)
    whole = materials.surface(*arguments)
    for chosen in (slice(0, 1), slice(0, 0), slice(1000, 4007), slice(3, 8000, 7)):
        part = materials.surface(*(argument[chosen] for argument in arguments))
        assert all(torch.equal(a, b[chosen]) for a, b in zip(part, whole, strict=True))


def test_threads_change_nothing():
    arguments, before = samples(100_000), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(materials.surface(*arguments))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_another_offset_is_another_cut():
    assert (cut("oak").albedo - cut("oak", shift=7.3).albedo).abs().mean() > 0.02


def test_there_are_at_least_140_materials_and_the_table_follows_their_order():
    rows = materials.table(torch.device("cpu"))
    assert len(_ROWS) == len(materials.NAMES) == len(rows) >= 140, "no name twice"
    for row, (name, material) in zip(rows, materials.MATERIALS.items(), strict=True):
        assert material.name == name == materials.NAMES[materials.index(name)]
        assert material.pattern == list(PATTERNS)[int(row[materials.COLUMNS["pattern"]])]
        assert row[materials.COLUMNS["scale"]] == pytest.approx(material.scale)
        assert row[materials.FIRST].tolist() == pytest.approx(material.first)
        assert row[materials.ROUGHNESS].tolist() == pytest.approx(material.roughness)


def test_from_afar_a_material_has_its_average_colour():
    rows = materials.table(torch.device("cpu"))
    for name in ("brick_red", "tartan", "gold", "camouflage"):
        far = cut(name, 10, footprint=1.0).albedo
        assert torch.allclose(far, rows[materials.index(name), materials.AVERAGE].expand(10, 3), atol=2e-3)


def test_all_materials_can_be_told_apart():
    """By what shows on an object: colours in sRGB and their spread, finish, and grain."""
    features = []
    for name in materials.NAMES:
        near, beside = cut(name), cut(name, shift=0.02)
        colour = near.albedo ** (1 / 2.2)
        grain = (colour - beside.albedo ** (1 / 2.2)).abs().mean(0)
        finish = torch.stack([near.roughness, near.metallic, near.emission], 1)
        spread = colour.quantile(torch.tensor([0.1, 0.5, 0.9]), 0).flatten()
        features.append(torch.cat([spread, grain, finish.mean(0)]))
    distances = torch.cdist(torch.stack(features), torch.stack(features)).fill_diagonal_(torch.inf)
    closest = divmod(int(distances.argmin()), len(distances))
    assert distances.min() > 0.05, [materials.NAMES[i] for i in closest]


def test_rust_is_rough_and_no_metal():
    surface = cut("rusty_iron")
    red = surface.albedo[:, 0] - surface.albedo[:, 2]
    assert torch.corrcoef(torch.stack([red, surface.roughness, -surface.metallic])).min() > 0.8


def test_colours_are_linear():
    assert linear("ffffff") == pytest.approx((1, 1, 1))
    assert linear("000a80") == pytest.approx((0, 0.0030353, 0.2158605), rel=1e-4)


@pytest.mark.parametrize(("name", "remedy"), [("marble_wite", "marble_white"), ("Oak", "oak"), (3, "nearest")])
def test_unknown_names_are_refused_with_a_suggestion(name, remedy):
    with pytest.raises(InputError, match=remedy) as caught:
        materials.index(name)
    assert repr(name) in str(caught.value)


@cuda
def test_a_gpu_shows_the_same():
    material, position, footprint = samples(50_000)
    expected = materials.surface(material, position, footprint)
    found = materials.surface(material.cuda(), position.cuda(), footprint.cuda())
    for here, there in zip(expected, found, strict=True):
        assert there.is_cuda
        # The operations are the same; where a product is fused with a sum a sharp edge may fall on the other side.
        assert ((here - there.cpu()).abs() < 1e-3).float().mean() > 0.999

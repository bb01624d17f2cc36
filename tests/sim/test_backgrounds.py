import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim import backgrounds, materials

CPU = torch.device("cpu")


def directions(count=4000, seed=0):
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)), dim=1)


def rows(name, count):
    return backgrounds.table(CPU)[backgrounds.index(name)].expand(count, -1)


def test_there_are_at_least_60_places_and_the_table_follows_their_order():
    table = backgrounds.table(CPU)
    assert len(backgrounds._ROWS) == len(backgrounds.NAMES) == len(table) >= 60, "no name twice"
    for row, (name, place) in zip(table, backgrounds.BACKGROUNDS.items(), strict=True):
        assert place.name == name == backgrounds.NAMES[backgrounds.index(name)]
        assert materials.NAMES[int(row[backgrounds.COLUMNS["floor"]])] == place.floor
        wall = int(row[backgrounds.COLUMNS["wall"]])
        assert (materials.NAMES[wall] if wall >= 0 else None) == place.wall
        assert row[backgrounds.COLUMNS["wall_height"]] == pytest.approx(place.wall_height)
        assert row[backgrounds.SKY_HORIZON].tolist() == pytest.approx(place.sky_horizon)


def test_every_place_makes_sense():
    assert backgrounds.DEFAULT in backgrounds.BACKGROUNDS
    for place in backgrounds.BACKGROUNDS.values():
        assert place.floor_scale > 0
        assert 0 <= place.clouds <= 1
        if place.wall is not None:
            assert place.wall_height > 0
            assert place.wall_distance >= 5, "cameras stand 4 units away"


def test_places_differ():
    parts = {(p.floor, p.wall, p.sky_zenith, p.sky_horizon) for p in backgrounds.BACKGROUNDS.values()}
    assert len(parts) == len(backgrounds.BACKGROUNDS)


def test_places_are_dark_and_bright_and_of_many_hues():
    table, surfaces = backgrounds.table(CPU), materials.table(CPU)
    floor = surfaces[table[:, backgrounds.COLUMNS["floor"]].long()][:, materials.AVERAGE] ** (1 / 2.2)
    assert floor.mean(1).min() < 0.25
    assert floor.mean(1).max() > 0.85
    leading = (floor - floor.mean(1, keepdim=True)).argmax(1).bincount()
    assert (leading >= 5).all(), "reds, greens and blues"


@pytest.mark.parametrize("name", backgrounds.NAMES)
def test_skies_are_colours(name):
    sky = backgrounds.sky(rows(name, 4000), directions())
    assert sky.shape == (4000, 3)
    assert sky.dtype == torch.float32
    assert torch.isfinite(sky).all()
    assert 0 <= sky.min() <= sky.max() <= 1


def test_the_sky_goes_from_horizon_to_zenith():
    clear = rows("kitchen", 3).clone()
    clear[:, backgrounds.SKY_ZENITH] = torch.tensor([0.1, 0.2, 0.7])
    up, level, down = backgrounds.sky(clear, torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.5, -0.5, 0.0]]))
    assert up.tolist() == pytest.approx(clear[0, backgrounds.SKY_ZENITH].tolist())
    assert level.tolist() == down.tolist() == pytest.approx(clear[0, backgrounds.SKY_HORIZON].tolist())


def test_clouds_make_the_sky_uneven():
    around = torch.linspace(0, 6.28, 1000)
    level = torch.stack([around.cos(), torch.full_like(around, 0.4), around.sin()], 1)
    spread = {share: backgrounds.sky(_cloudy(share), level).std(0).mean() for share in (0.0, 0.5)}
    assert spread[0.0] < 1e-6
    assert spread[0.5] > 0.05


def _cloudy(share):
    place = rows("meadow", 1000).clone()
    place[:, backgrounds.COLUMNS["clouds"]] = share
    return place


def test_a_sky_does_not_depend_on_the_rest_of_the_batch():
    place, towards = backgrounds.table(CPU).repeat(40, 1)[:2500], directions(2500)
    whole = backgrounds.sky(place, towards)
    for chosen in (slice(0, 1), slice(0, 0), slice(13, 1900), slice(1, 2500, 3)):
        assert torch.equal(backgrounds.sky(place[chosen], towards[chosen]), whole[chosen])


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(InputError, match="names are meadow") as caught:
        backgrounds.index("medow")
    assert "'medow'" in str(caught.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_shows_the_same():
    place, towards = backgrounds.table(CPU).repeat(40, 1)[:2500], directions(2500)
    found = backgrounds.sky(place.cuda(), towards.cuda())
    assert torch.allclose(found.cpu(), backgrounds.sky(place, towards), atol=1e-3)

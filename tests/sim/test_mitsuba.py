import dataclasses
import sys

import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim import backgrounds, materials
from ndslib.sim import render as torch_render
from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.simulator import TorchSimulator

mitsuba = pytest.importorskip("mitsuba", reason="Mitsuba 3 is not installed: pip install 'ndslib[render]'")
import drjit  # noqa: E402 - comes with Mitsuba

from ndslib.sim.mitsuba import VARIANT, MitsubaSimulator, render  # noqa: E402 - the reason to skip comes first

CLASSES = ("mug", "armchair", "elephant")
LIBRARY = ProceduralLibrary(CLASSES, meshes_per_class=2)
FIXED, VARIED = [0] * 8, [1] * 8


def simulator(**changes):
    return MitsubaSimulator(**{"size": 16, "library": LIBRARY, "samples_per_pixel": 4} | changes)


def scenes(settings, count=1, class_id=0):
    return TorchSimulator(library=LIBRARY).scenes(settings, [(class_id, number) for number in range(count)])


def changed(scene, **changes):
    return dataclasses.replace(scene, **{name: torch.tensor([value]) for name, value in changes.items()})


def correlation(first, second):
    return float(torch.corrcoef(torch.stack([first.flatten().float(), second.flatten().float()]))[0, 1])


def difference(first, second):
    return float((first.float() - second.float()).abs().mean())


def test_both_simulators_draw_the_same_scenes():
    first, second = (each.scenes(VARIED, [(1, 3)], seed=2) for each in (simulator(), TorchSimulator(library=LIBRARY)))
    for field in dataclasses.fields(first):
        if field.name != "geometry":
            assert torch.equal(getattr(first, field.name), getattr(second, field.name)), field.name
    assert torch.equal(first.geometry.corners, second.geometry.corners)


@pytest.mark.parametrize("settings", [FIXED, [1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 1, 1]], ids=str)
def test_the_pictures_show_what_the_rasteriser_shows(settings):
    scene = TorchSimulator(library=LIBRARY).scenes(settings, [(class_id, 0) for class_id in range(len(CLASSES))])
    for own, other in zip(render(scene, 32), torch_render(scene, 32).images, strict=True):
        assert correlation(own, other) > 0.8
        assert correlation(own.flip(2), other) < correlation(own, other) - 0.05, "not mirrored"
        assert difference(own.float().mean((1, 2)), other.float().mean((1, 2))) < 25, "as bright, of the same colour"


def test_a_sunlit_floor_is_as_bright_as_the_rasterisers():
    scene = changed(scenes(FIXED), background=backgrounds.index("car_park"))
    own, other = (images[0, :, 28:, :6].float().mean((1, 2)) for images in (
        render(scene, 32, 16), torch_render(scene, 32).images
    ))  # fmt: skip
    assert torch.allclose(own, other, atol=10)


def test_surroundings_turn_alike():
    for place in ("living_room", "meadow"):
        scene = changed(scenes(FIXED), background=backgrounds.index(place), background_offset=[0.5, 2.0, 1.0])
        own, other = render(scene, 32)[0], torch_render(scene, 32).images[0]
        assert correlation(own[:, :8], other[:, :8]) > 0.6, place


def test_the_same_seed_gives_the_same_picture_in_any_batch():
    whole = torch.cat([images for images, _ in simulator().generate(VARIED, [0, 2], 2, seed=5)])
    single = [images for images, _ in simulator(batch_size=1).generate(VARIED, [0, 2], 2, seed=5)]
    assert torch.equal(whole, torch.cat(single))
    assert not torch.equal(whole, torch.cat([images for images, _ in simulator().generate(VARIED, [0, 2], 2, seed=6)]))


def test_the_number_of_threads_changes_nothing():
    scene, threads, pictures = scenes(VARIED), drjit.thread_count(), []
    for count in (1, 7):
        drjit.set_thread_count(count)
        pictures.append(render(scene, 40, 4))
    drjit.set_thread_count(threads)
    assert torch.equal(*pictures)


def test_the_seed_of_a_picture_moves_its_noise_only():
    scene = scenes(FIXED, count=2)
    first, second = render(scene, 16, 4, seed=1), render(scene, 16, 4, seed=[1, 2])
    assert torch.equal(first[0], second[0])
    assert 0 < difference(first[1], second[1]) < 12


def test_batches_carry_the_class_ids():
    batches = list(simulator(batch_size=3).generate(FIXED, [2, 0], 2))
    assert [ids.tolist() for _, ids in batches] == [[2, 2, 0], [0]]
    assert [(images.shape, images.dtype) for images, _ in batches] == [
        ((count, 3, 16, 16), torch.uint8) for count in (3, 1)
    ]


@pytest.mark.parametrize("number", range(8))
def test_every_parameter_changes_the_pictures(number):
    settings = [int(number == place) for place in range(8)]
    fixed, varied = (render(scenes(each, count=4), 16, 4) for each in (FIXED, settings))
    assert difference(fixed, varied) > 4


def test_a_lamp_glows_and_a_picture_may_be_oblong():
    scene = changed(scenes(FIXED), light_intensity=0.0)
    dark = dataclasses.replace(scene, material=torch.full_like(scene.material, materials.index("paint_black")))
    lamp = dataclasses.replace(scene, material=torch.full_like(scene.material, materials.index("lamp_glow")))
    off, lit = render(dark, (16, 24)), render(lamp, (16, 24))
    assert lit.shape == (1, 3, 16, 24)
    assert lit[0, :, 8, 12].float().mean() > off[0, :, 8, 12].float().mean() + 100


def test_a_scene_without_objects_is_an_empty_place():
    scene = scenes(FIXED)
    nothing = {name: getattr(scene, name)[:0] for name in ("image", "mesh", "rotation", "scale", "position", "material",
                                                           "offset")}  # fmt: skip
    assert render(dataclasses.replace(scene, **nothing), 16, 1)[0, :, 12:].float().mean() > 50


def test_the_callers_variant_is_put_back():
    mitsuba.set_variant("scalar_spectral")
    render(scenes(FIXED), 8, 1)
    assert mitsuba.variant() == "scalar_spectral"
    with pytest.raises(InputError):
        render(scenes(FIXED), 8, 0)
    assert mitsuba.variant() == "scalar_spectral" != VARIANT


def test_fingerprints_name_what_the_pictures_depend_on():
    base = simulator().fingerprint()
    assert base == simulator(batch_size=2).fingerprint()
    others = {
        simulator(size=32).fingerprint(),
        simulator(samples_per_pixel=8).fingerprint(),
        simulator(library=ProceduralLibrary(["mug"])).fingerprint(),
        TorchSimulator(library=LIBRARY).fingerprint(),
    }
    assert len(others | {base}) == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulator(size=4), "size 4"),
        (lambda: simulator(samples_per_pixel=0), "samples_per_pixel is 0"),
        (lambda: simulator().generate([0] * 7, [0], 1), "have 7 values"),
        (lambda: simulator().generate([0] * 7 + [2], [0], 1), "materials is 2"),
        (lambda: simulator().generate(FIXED, [3], 1), "class id 3"),
        (lambda: simulator().generate(FIXED, [0], 0), "images_per_class is 0"),
        (lambda: render(scenes(FIXED), 4), "picture size 4"),
        (lambda: render(scenes(FIXED), 16, seed=[1, 2]), "2 seeds for 1 scenes"),
    ],
)
def test_wrong_arguments_are_refused_at_once(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_without_mitsuba_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(InputError, match=r"pip install 'ndslib\[render\]'"):
        simulator()

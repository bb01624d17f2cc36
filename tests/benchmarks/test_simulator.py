"""Pictures per second of the simulator with all eight parameters varied, and how the cost grows.

Every case stores `images_per_second` (of one core on a CPU) and the mean triangles an object; the sweeps store their
seconds a picture over those of the reference case, 64 px with at least 4,000 triangles an object, measured in the same
run. `test_memory_does_not_grow_with_the_data_set` measures a fresh process each.
"""

import subprocess
import sys
import time

import pytest
import torch

from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.renderer import render
from ndslib.sim.simulator import TorchSimulator

ALL_VARIED = [1] * 8
REFERENCE_SIZE, REFERENCE_TRIANGLES = 64, 4000


def drawn(size: int, triangles: int, images: int, device: str = "cpu") -> tuple:
    """Scenes of `images` classes spread over the catalogue, and their mean number of triangles."""
    simulator = TorchSimulator(size, device, ProceduralLibrary(meshes_per_class=2, min_triangles=triangles))
    step = max(1, len(simulator.classes) // images)
    pictures = [((number * step) % len(simulator.classes), number) for number in range(images)]
    scene = simulator.scenes(ALL_VARIED, pictures)
    mean = scene.geometry.start.diff()[scene.mesh].float().mean().item()
    return scene.to(device), mean


def seconds_a_picture(scene, size: int, rounds: int = 3, **options) -> float:
    """The fastest of some rounds."""
    render(scene.part(0, min(8, len(scene))), size, **options)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        render(scene, size, **options)
        if scene.eye.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best / len(scene)


@pytest.fixture(scope="module")
def reference() -> float:
    return seconds_a_picture(drawn(REFERENCE_SIZE, REFERENCE_TRIANGLES, 60)[0], REFERENCE_SIZE)


def test_generate_with_all_eight_varied(benchmark):
    """What a user calls: drawing the scenes included, 60 pictures of each of 4 classes."""
    simulator = TorchSimulator(REFERENCE_SIZE, library=ProceduralLibrary(min_triangles=REFERENCE_TRIANGLES))
    classes, images = [3, 50, 90, 140], 60

    def generate() -> int:
        return sum(len(batch) for batch, _ in simulator.generate(ALL_VARIED, classes, images))

    assert generate() == len(classes) * images
    benchmark.pedantic(generate, rounds=3)
    triangles = [mesh.triangles for number in classes for mesh in simulator.library.meshes(simulator.classes[number])]
    assert min(triangles) >= REFERENCE_TRIANGLES
    benchmark.extra_info["images_per_second_and_core"] = len(classes) * images / benchmark.stats.stats.min
    benchmark.extra_info["triangles"] = sum(triangles) / len(triangles)


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_cost_over_size(benchmark, reference, size):
    scene, triangles = drawn(size, REFERENCE_TRIANGLES, 16)
    seconds = benchmark.pedantic(seconds_a_picture, args=(scene, size), rounds=1)
    benchmark.extra_info |= {"images_per_second": 1 / seconds, "cost": seconds / reference, "triangles": triangles}


@pytest.mark.parametrize("triangles", [0, 4000, 16000, 64000])
def test_cost_over_triangles(benchmark, reference, triangles):
    scene, mean = drawn(REFERENCE_SIZE, triangles, 12)
    seconds = benchmark.pedantic(seconds_a_picture, args=(scene, REFERENCE_SIZE), rounds=1)
    benchmark.extra_info |= {"images_per_second": 1 / seconds, "cost": seconds / reference, "triangles": mean}


@pytest.mark.parametrize("chunk", [1, 4, 16, 64])
def test_cost_over_pictures_at_once(benchmark, reference, chunk):
    scene, triangles = drawn(REFERENCE_SIZE, REFERENCE_TRIANGLES, 64)
    options = {"rounds": 2, "chunk": chunk}
    seconds = benchmark.pedantic(seconds_a_picture, args=(scene, REFERENCE_SIZE), kwargs=options, rounds=1)
    benchmark.extra_info |= {"images_per_second": 1 / seconds, "cost": seconds / reference, "triangles": triangles}


PEAK = """
import sys
from ndslib.sim.simulator import TorchSimulator
for images, _ in TorchSimulator(32).generate([1] * 8, [0, 1], int(sys.argv[1])):
    pass
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
"""


def test_memory_does_not_grow_with_the_data_set(benchmark):
    def peak(images_per_class: int) -> float:
        command = [sys.executable, "-c", PEAK, str(images_per_class)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    few, many = benchmark.pedantic(lambda: (peak(64), peak(1024)), rounds=1)
    benchmark.extra_info |= {"mib_of_128_images": few, "mib_of_2048_images": many, "ratio": many / few}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_against_one_core(benchmark, reference):
    scene, triangles = drawn(REFERENCE_SIZE, REFERENCE_TRIANGLES, 512, "cuda")
    seconds = benchmark.pedantic(seconds_a_picture, args=(scene, REFERENCE_SIZE), rounds=1)
    benchmark.extra_info |= {"images_per_second": 1 / seconds, "speedup": reference / seconds, "triangles": triangles}

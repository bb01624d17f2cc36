import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.core.seeding import derive_seed, generator, isolated, rng, seed_everything


@pytest.fixture(autouse=True)
def _restore_torch_flags():
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    yield
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002 - the global state is under test


def test_same_seed_same_draws_from_all_three_generators():
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_asks_torch_for_deterministic_algorithms():
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    seed_everything(0)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7", None, True])
def test_refuses_what_is_not_a_seed(seed):
    with pytest.raises(InputError, match="seed"):
        seed_everything(seed)


def test_accepts_numpy_integers():
    seed_everything(np.int64(9))
    first = draw()
    seed_everything(9)
    assert draw() == first


def test_derived_seeds_are_the_same_in_another_process():
    code = "from ndslib.core.seeding import derive_seed; print(derive_seed(7, 'expert', [1, 2.5], None))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) == derive_seed(7, "expert", [1, 2.5], None)


def test_derived_seeds_fit_63_bits_and_differ_by_every_part():
    seeds = [derive_seed(s, name, i) for s in range(10) for name in ("a", "b") for i in range(50)]
    seeds += [derive_seed("1", "a", 0), derive_seed(1, "a"), derive_seed("a", 1, 0)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**61


def test_derive_seed_refuses_no_parts_and_what_is_not_json():
    with pytest.raises(InputError, match="at least one part"):
        derive_seed()
    with pytest.raises(TypeError, match="object"):
        derive_seed(object())


def test_named_generators_repeat_and_do_not_touch_the_global_state():
    seed_everything(0)
    before = draw()
    seed_everything(0)
    assert torch.equal(torch.rand(4, generator=generator(1, "x")), torch.rand(4, generator=generator(1, "x")))
    assert not torch.equal(torch.rand(4, generator=generator(1, "x")), torch.rand(4, generator=generator(1, "y")))
    assert rng(1, "x").integers(1 << 40) == rng(1, "x").integers(1 << 40)
    assert rng(1, "x").integers(1 << 40) != rng(2, "x").integers(1 << 40)
    assert draw() == before


def test_isolated_repeats_inside_and_leaves_the_outside_undisturbed():
    seed_everything(5)
    expected = draw()
    seed_everything(5)
    with isolated("job", 1):
        inside = draw()
    assert draw() == expected
    with pytest.raises(ZeroDivisionError), isolated("job", 1):
        1 / (draw() != inside)
    assert draw() != expected
    with isolated("job", 2):
        assert draw() != inside


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_generator_on_a_gpu():
    first = torch.rand(4, device="cuda", generator=generator(1, device="cuda"))
    assert torch.equal(first, torch.rand(4, device="cuda", generator=generator(1, device="cuda")))

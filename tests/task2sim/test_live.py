"""The live loop: each setting is pretrained with once, whoever asks, and a killed run goes on."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig, fit
from ndslib.sim import PARAMETERS, TorchSimulator
from ndslib.task2sim import Policy, evaluation, pretraining
from ndslib.task2sim.evaluation import Job, nearest_neighbours
from ndslib.task2sim.live import LiveRewards
from ndslib.task2sim.pretraining import Pretraining
from tests.task2sim.test_evaluation import task
from tests.task2sim.test_pretraining import Noise

WANTED = Pretraining(2, 4, 16, TrainConfig(3, 4, 0.05), width=2)
TASKS = (task(10, name="dim"), task(30, name="bright"))
FREE = ("background", "light_color")
POLICY = {"hidden": 8, "epochs": 10, "batch_size": 2, "warmup": 2, "imitation_from": 3}
VECTORS = np.eye(2, 5, dtype=np.float32)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The identities of the pretrainings that were begun."""
    begun: list[str] = []

    def counting(*arguments: object, identity: str) -> list[float]:
        begun.append(identity)
        return fit(*arguments, identity=identity)

    monkeypatch.setattr(pretraining, "fit", counting)
    return begun


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[tuple[int, ...], list[str]]]]:
    """What each request asked to be measured: settings, with the names of their tasks."""
    made: list[list[tuple[tuple[int, ...], list[str]]]] = []
    real = evaluation.scores

    def spy(jobs: list[Job], *arguments: object) -> list[list[float]]:
        made.append([(job.source.setting, [task.name for task in job.tasks]) for job in jobs])
        return real(jobs, *arguments)

    monkeypatch.setattr(evaluation, "scores", spy)
    return made


def test_a_reward_is_5nn_after_pretraining_with_the_setting():
    rewards = LiveRewards(Noise(), TASKS, WANTED)
    found = rewards([0, 1], [[1, 0], [2, 1]])
    assert (found.dtype, found.shape) == (np.float64, (2,))
    expected = [
        nearest_neighbours(rewards.data(setting).backbone(), TASKS[place])
        for place, setting in enumerate([(1, 0), (2, 1)])
    ]
    assert found.tolist() == expected


def test_a_setting_is_one_job_for_all_its_tasks(requests, trained):
    rewards = LiveRewards(Noise(), TASKS, WANTED)
    tasks, settings = [1, 0, 1, 0, 1], [[1, 0], [1, 0], [0, 1], [1, 0], [1, 0]]
    found = rewards(np.array(tasks), np.array(settings))
    assert requests == [[((1, 0), ["bright", "dim"]), ((0, 1), ["bright"])]]
    assert len(trained) == 2
    assert found[1] == found[3]
    assert found[0] == found[4]
    assert rewards(np.zeros(0, np.int64), np.zeros((0, 2), np.int64)).shape == (0,)


def test_what_was_measured_is_known_to_other_instances(trained):
    simulator = Noise()
    first = LiveRewards(simulator, TASKS, WANTED)([0, 1], [[1, 0], [1, 0]])
    again = LiveRewards(Noise(), TASKS[::-1], WANTED)([1, 0], [[1, 0], [1, 0]])
    assert first.tolist() == again.tolist()
    assert len(trained) == simulator.calls == 1
    LiveRewards(Noise("other"), TASKS, WANTED)([0], [[1, 0]])
    assert len(trained) == 2


def test_free_parameters_are_in_the_simulators_order_and_the_others_stay_fixed():
    rewards = LiveRewards(TorchSimulator(16), TASKS, WANTED, FREE)
    assert [parameter.name for parameter in rewards.parameters] == ["light_color", "background"]
    fixed = dict.fromkeys((parameter.name for parameter in PARAMETERS), 0)
    levels = fixed | {"background": 1}
    assert rewards.data([0, 1]).setting == tuple(levels.values())
    everything = LiveRewards(TorchSimulator(16), TASKS, WANTED)
    assert everything.parameters == PARAMETERS
    assert everything.data(list(levels.values())).key == rewards.data([0, 1]).key


def test_bad_requests_are_named():
    with pytest.raises(InputError, match=r"no parameters \['fog'\]; it has \['light', 'blur'\]"):
        LiveRewards(Noise(), TASKS, WANTED, ("blur", "fog"))
    rewards = LiveRewards(Noise(), TASKS, WANTED, ("blur",))
    for place in (2, -1):
        with pytest.raises(InputError, match=f"there is no task {place}: the tasks are 0 to 1"):
            rewards([place], [[0]])
    with pytest.raises(InputError, match=r"settings \[0, 1\] have 2 values; wanted 1: \['blur'\]"):
        rewards([0], [[0, 1]])
    with pytest.raises(InputError, match="blur is 2: choose a whole number from 0 to 1"):
        rewards([0], [[2]])


def test_a_backend_without_some_parameters_is_asked_only_for_its_own():
    """The names of T2S that it lacks are refused, never ignored."""
    with pytest.raises(InputError, match=r"no parameters \['background', 'light_color'\]"):
        LiveRewards(Noise(), TASKS, WANTED, FREE)
    with pytest.raises(InputError, match="wanted 2"):
        LiveRewards(Noise(), TASKS, WANTED)([0], [[0] * 8])


def test_the_table_holds_what_single_requests_give():
    rewards = LiveRewards(Noise(), TASKS, WANTED)
    table = rewards.table()
    assert (table.tasks, table.parameters) == (("dim", "bright"), Noise.parameters)
    assert table.values.shape == (2, 3, 2)
    for place, setting in ((0, (2, 1)), (1, (0, 0)), (1, (1, 1))):
        assert table.values[place, *setting] == rewards([place], [setting])[0]


def test_a_policy_learns_from_it_and_another_seed_pretrains_nothing(trained):
    rewards = LiveRewards(TorchSimulator(16), TASKS, WANTED, FREE)
    policy = Policy(**POLICY).fit(VECTORS, rewards)
    assert len(trained) == len(set(trained)) == policy.history.settings
    assert policy.parameters == rewards.parameters
    chosen = policy.predict(VECTORS)
    assert chosen.shape == (2, 2)
    table = rewards.table()
    assert len(trained) == 4
    assert Policy(**POLICY).fit(VECTORS, table).predict(VECTORS).tolist() == chosen.tolist()
    Policy(**POLICY, seed=1).fit(VECTORS, LiveRewards(TorchSimulator(16), TASKS, WANTED, FREE))
    assert len(trained) == 4


KILLED = """
import os, signal, sys
import numpy as np, torch
from ndslib.core import paths
from ndslib.sim import TorchSimulator
from ndslib.task2sim import Policy, evaluation
from ndslib.task2sim.live import LiveRewards
from tests.task2sim.test_live import FREE, POLICY, TASKS, VECTORS, WANTED

torch.set_num_threads(1)
kept, real = paths.cache_root() / "task2sim-accuracies", evaluation.write_json

def ends(most):
    "How a fit ends that is killed as soon as it has measured so many rewards."
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    measured = []

    def deadly(path, value):
        real(path, value)
        measured.append(path)
        if len(measured) == most:
            os.kill(os.getpid(), signal.SIGKILL)

    evaluation.write_json = deadly
    policy = Policy(**POLICY).fit(VECTORS, LiveRewards(TorchSimulator(16), TASKS, WANTED, FREE))
    print(len(measured), policy.history.evaluations, *policy.probabilities(VECTORS).ravel(), flush=True)
    os._exit(0)

def known():
    return {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}

assert ends(3) == signal.SIGKILL
first = known()
assert len(first) == 3
assert ends(-1) == 0
assert first.items() < known().items(), "none was measured again"
assert ends(-1) == 0
"""


def test_a_killed_fit_goes_on_without_losing_a_reward():
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    (resumed, evaluations, *pi), (again, *known) = (line.split() for line in done.stdout.splitlines())
    assert int(resumed) == int(evaluations) - 3 > 0
    assert again == "0"
    assert known == [evaluations, *pi]

from itertools import combinations

import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim.parameters import Parameter
from ndslib.task2sim import Policy, PolicyConfig, RewardTable
from ndslib.task2sim.methods import NEAREST, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM
from ndslib.task2sim.priors import SharedRewards, nearness
from ndslib.task2sim.reinforce import entropy
from ndslib.task2sim.validation import by_task, gain, leave_tasks_out, tasks_to_hold_out

PARAMETERS = (Parameter("blur", 2), Parameter("background", 3))


class Constant:
    """Predicts one setting for every task."""

    def __init__(self, setting: list[int]) -> None:
        self.setting = setting

    def predict(self, task_vectors: np.ndarray) -> np.ndarray:
        return np.tile(self.setting, (len(task_vectors), 1))


def first_setting(vectors: np.ndarray, table: RewardTable) -> Constant:
    return Constant([0, 0])


def two_kinds(tasks: int = 6) -> tuple[np.ndarray, RewardTable]:
    """Even tasks are best with (0, 1), odd ones with (1, 2); their vectors tell the kinds apart."""
    random = np.random.default_rng(0)
    odd = np.arange(tasks) % 2
    vectors = np.where(odd[:, None] == 1, [1.0, 0.1, 0.1, 1.0], [0.1, 1.0, 1.0, 0.1]) + random.random((tasks, 4)) / 50
    values = random.random((tasks, 2, 3))
    values[odd == 0, 0] += 4
    values[odd == 0, :, 1] += 4
    values[odd == 1, 1] += 5
    values[odd == 1, :, 2] += 5
    return vectors, RewardTable(tuple(f"t{task}" for task in range(tasks)), PARAMETERS, values)


def test_every_split_is_there_and_scored_on_its_held_out_tasks() -> None:
    vectors, table = two_kinds()
    rows = leave_tasks_out(vectors, table, first_setting, held_out=2)
    assert len(rows) == 15 * 6 * 2
    assert {tuple(split.task.unique()) for _, split in rows.groupby("split")} == set(combinations(table.tasks, 2))
    rewards = {method: part.set_index("task").reward for method, part in rows.groupby("method")}
    place = [table.tasks.index(task) for task in rewards[TASK2SIM].index]
    np.testing.assert_allclose(rewards[TASK2SIM], table.values[place, 0, 0])
    np.testing.assert_allclose(rewards[RANDOM], table.flat[place].mean(axis=1))
    np.testing.assert_allclose(rewards[RANDOMISED], table.values[place, 1, 2])
    np.testing.assert_allclose(rewards[OPTIMUM], table.flat[place].max(axis=1))
    np.testing.assert_allclose(rewards[NEAREST], rewards[OPTIMUM])  # a task of the same kind is always left


def test_best_single_setting_is_that_of_the_training_tasks() -> None:
    vectors, table = two_kinds(3)  # without t1 all training tasks are even
    rows = leave_tasks_out(vectors, table, first_setting, held_out=1)
    single = rows[rows.method == SINGLE].set_index("task").reward
    assert single["t1"] == table.values[1, 0, 1]
    assert single["t0"] == table.values[0, 1, 2]


def test_fit_sees_the_training_tasks_only() -> None:
    vectors, table = two_kinds()
    seen = []

    def fit(training_vectors: np.ndarray, training_table: RewardTable) -> Constant:
        seen.append((training_vectors, training_table))
        return Constant([1, 2])

    rows = leave_tasks_out(vectors, table, fit, held_out=2, splits=5)
    for (training_vectors, training_table), (_, split) in zip(seen, rows.groupby("split"), strict=True):
        assert set(training_table.tasks) == set(table.tasks) - set(split.task)
        place = [table.tasks.index(task) for task in training_table.tasks]
        np.testing.assert_array_equal(training_vectors, vectors[place])
        np.testing.assert_array_equal(training_table.values, table.values[place])


def test_a_policy_learns_the_two_kinds_the_same_in_other_processes() -> None:
    vectors, table = two_kinds(8)

    def fit(training_vectors: np.ndarray, training_table: RewardTable) -> Policy:
        return Policy(gradient="exact", hidden=32, epochs=100, lr=0.05, warmup=0).fit(training_vectors, training_table)

    rows = leave_tasks_out(vectors, table, fit, held_out=2, splits=4)
    means = by_task(rows).mean()
    assert means[SINGLE] < means[TASK2SIM] <= means[OPTIMUM]
    assert means[TASK2SIM] > means[OPTIMUM] - 1
    assert rows.equals(leave_tasks_out(vectors, table, fit, held_out=2, splits=4, workers=2))


def test_chosen_splits_are_balanced_distinct_and_named_by_the_seed() -> None:
    chosen = tasks_to_hold_out(12, 3, splits=20)
    assert len(set(map(tuple, chosen.tolist()))) == 20
    np.testing.assert_array_equal(np.bincount(chosen.ravel()), np.full(12, 5))
    np.testing.assert_array_equal(chosen, tasks_to_hold_out(12, 3, splits=20))
    assert chosen.tolist() != tasks_to_hold_out(12, 3, splits=20, seed=1).tolist()
    assert set(map(tuple, tasks_to_hold_out(5, 2, splits=10).tolist())) == set(combinations(range(5), 2))


def test_gain_counts_tasks_not_splits() -> None:
    vectors, table = two_kinds()
    few, many = (leave_tasks_out(vectors, table, first_setting, held_out) for held_out in (1, 3))
    assert gain(few).n == gain(many).n == 6
    same_everywhere = gain(few, OPTIMUM, over=TASK2SIM), gain(many, OPTIMUM, over=TASK2SIM)
    assert same_everywhere[0] == same_everywhere[1]  # neither depends on the training tasks: 20 splits tell no more
    expected = (table.flat.max(axis=1) - table.values[:, 0, 0]).mean()
    assert same_everywhere[0].mean == pytest.approx(expected)
    assert same_everywhere[0].low < expected < same_everywhere[0].high


def test_bad_input() -> None:
    vectors, table = two_kinds()
    with pytest.raises(InputError, match="5 task vectors for 6 tasks"):
        leave_tasks_out(vectors[:5], table, first_setting)
    for held_out in (0, 6):
        with pytest.raises(InputError, match=f"held_out is {held_out}; it must be 1 to 5"):
            leave_tasks_out(vectors, table, first_setting, held_out=held_out)
    for splits in (0, 21):
        with pytest.raises(InputError, match=f"splits is {splits}; 3 of 6 tasks can be held out in 1 to 20 ways"):
            leave_tasks_out(vectors, table, first_setting, splits=splits)
    rows = leave_tasks_out(vectors, table, first_setting, splits=1)
    with pytest.raises(InputError, match=r"no rows of \['Kubric'\]"):
        gain(rows, "Kubric")


def test_a_fit_that_fails_names_its_split() -> None:
    vectors, table = two_kinds()

    def fit(training_vectors: np.ndarray, training_table: RewardTable) -> Constant:
        if "t5" not in training_table.tasks:
            raise ValueError("no t5")
        return Constant([0, 0])

    with pytest.raises(ExceptionGroup, match=r"1 of 6 jobs failed: .*held out: t5") as caught:
        leave_tasks_out(vectors, table, fit, held_out=1)
    assert isinstance(caught.value.exceptions[0], ValueError)


def test_a_setting_that_does_not_exist_is_refused() -> None:
    vectors, table = two_kinds()
    with pytest.raises(ExceptionGroup) as caught:
        leave_tasks_out(vectors, table, lambda *_: Constant([0, 3]), splits=1)
    assert isinstance(caught.value.exceptions[0], InputError)


def test_nearness_falls_with_the_distance_and_ignores_length() -> None:
    vectors, _ = two_kinds()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = nearness(vectors, 0.05)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights.argmax(axis=1) == np.arange(6)).all()
    assert weights[0, [2, 4]].min() > 100 * weights[0, [1, 3, 5]].max()  # the other kind weighs nothing
    np.testing.assert_allclose(nearness(30 * vectors, 0.05), weights)
    np.testing.assert_allclose(nearness(vectors, 1e6), np.full((6, 6), 1 / 6), rtol=1e-5)


def test_shared_rewards_are_weighted_means_and_ask_for_no_pair_twice() -> None:
    table = two_kinds()[1]
    asked: list[tuple[int, ...]] = []

    def source(tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        asked.extend(map(tuple, np.column_stack([tasks, settings]).tolist()))
        return table(tasks, settings)

    weights = np.random.default_rng(1).dirichlet(np.ones(6), size=6)
    shared = SharedRewards(source, weights, PARAMETERS)
    tasks, settings = np.array([0, 3, 3, 5]), np.array([[0, 1], [1, 2], [0, 1], [1, 2]])
    expected = (weights[tasks] * table.values[:, settings[:, 0], settings[:, 1]].T).sum(axis=1)
    np.testing.assert_allclose(shared(tasks, settings), expected, rtol=1e-5)
    shared(tasks[::-1], settings)
    assert len(asked) == len(set(asked)) == 2 * 6  # both settings, once for each task


def test_entropy_leaves_out_levels_that_do_not_exist() -> None:
    log_pi = torch.tensor([[[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]]).log().requires_grad_()
    nats = entropy(log_pi)
    expected = np.log(2) - 0.2 * np.log(0.2) - 0.3 * np.log(0.3) - 0.5 * np.log(0.5)
    assert nats.tolist() == pytest.approx([expected])
    nats.sum().backward()
    assert log_pi.grad is not None
    assert log_pi.grad.isfinite().all()


def test_the_entropy_ends_with_training_and_is_off_by_default() -> None:
    assert PolicyConfig(entropy=2.0, epochs=4).entropy_weight(0) == 1.5
    assert PolicyConfig(entropy=2.0, epochs=4).entropy_weight(3) == 0
    default = PolicyConfig()
    assert (default.entropy, default.sharing, default.length, default.gradient) == (0, 0, 1, "sampled")


@pytest.mark.parametrize("gradient", ["exact", "sampled"])
def test_entropy_keeps_the_policy_open(gradient: str) -> None:
    vectors, table = two_kinds()
    options = {"gradient": gradient, "epochs": 40, "lr": 0.001, "warmup": 0, "hidden": 32, "length": 10.0}
    closed, opened = (Policy(entropy=weight, **options).fit(vectors, table) for weight in (0.0, 20.0))
    assert opened.probabilities(vectors).max(-1).mean() < closed.probabilities(vectors).max(-1).mean() - 0.05


@pytest.mark.parametrize("live", [False, True])
def test_improved_follows_neighbours_not_one_lucky_task(live: bool) -> None:
    """Blur costs the tasks of t0's kind 4 points; measured on t0 it seemed to bring 5."""
    vectors, table = two_kinds()
    table.values[0, 1] += 9

    def rewards(tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        return table(tasks, settings)

    rewards.parameters = PARAMETERS
    source = rewards if live else table
    near = Policy.improved(hidden=64).fit(vectors, source)
    assert near.predict(vectors).tolist() == [[0, 1], [1, 2]] * 3
    everyone = Policy.improved(hidden=64, sharing=1e6).fit(vectors, source)
    assert len(np.unique(everyone.predict(vectors), axis=0)) == 1


def test_improved_is_saved_with_its_options(tmp_path) -> None:
    vectors, table = two_kinds()
    policy = Policy.improved(hidden=16, epochs=5, seed=3).fit(vectors, table)
    policy.save(tmp_path / "policy.safetensors")
    loaded = Policy.load(tmp_path / "policy.safetensors")
    assert loaded.config == policy.config
    assert loaded.config.seed == 3
    np.testing.assert_array_equal(loaded.probabilities(vectors), policy.probabilities(vectors))
    with pytest.raises(InputError, match="sharing is -1"):
        Policy.improved(sharing=-1)
    with pytest.raises(InputError, match="length is 0"):
        Policy.improved(length=0)

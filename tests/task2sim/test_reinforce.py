"""Algorithm 1: schedules, samples, gradients, memories, against numbers worked out by hand or by brute force."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.seeding import generator
from ndslib.sim.parameters import Parameter
from ndslib.task2sim import reinforce
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.reinforce import Memory, expected_reward, most_probable, policy_gradient_loss, sample
from ndslib.task2sim.rewards import every_setting

PARAMETERS = (Parameter("light", 2), Parameter("blur", 3))
SETTINGS = torch.from_numpy(every_setting(PARAMETERS))


def padded(scores):
    """Log-probabilities [..., 2, 3] of scores [..., 5]: the first parameter has two levels."""
    light, blur = scores.split([2, 3], dim=-1)
    light = nn.functional.pad(light, (0, 1), value=-torch.inf)
    return torch.stack([light, blur], dim=-2).log_softmax(-1)


class Scores(nn.Module):
    """A policy without a network: the tasks' scores themselves, [members, N, 5]; inputs are one-hot tasks."""

    def __init__(self, scores):
        super().__init__()
        self.scores = nn.Parameter(scores)

    def forward(self, inputs):
        return padded(inputs @ self.scores)


def certain(*settings):
    """Scores [1, N, 5] that leave no doubt."""
    scores = torch.full((1, len(settings), 5), -500.0)
    for task, (light, blur) in enumerate(settings):
        scores[0, task, [light, 2 + blur]] = 500.0
    return scores


class Source:
    """Rewards of settings by a function of task and setting; keeps what it was asked."""

    def __init__(self, reward):
        self.reward, self.requests = reward, []

    def __call__(self, tasks, settings):
        assert tasks.dtype == settings.dtype == np.int64
        self.requests.append(
            [(task, tuple(setting)) for task, setting in zip(tasks.tolist(), settings.tolist(), strict=True)]
        )
        return np.array([self.reward(task, setting) for task, setting in self.requests[-1]], float)

    @property
    def pairs(self):
        return [pair for request in self.requests for pair in request]


def train(scores, reward, **options):
    """Train scores in place of a network; plain SGD with rate 1 unless told."""
    source = Source(reward)
    defaults = {"lr": 1.0, "momentum": 0.0, "weight_decay": 0.0, "warmup": 0, "drop": 1.0, "imitation_steps": 0}
    config = PolicyConfig(**defaults | {"members": len(scores)} | options)
    network = Scores(scores)
    history = reinforce.train(network, torch.eye(scores.shape[1]), source, PARAMETERS, config)
    return network.scores.detach(), source, history


# Schedules


def test_the_schedule_of_the_noise_is_the_authors():
    noise = [PolicyConfig().noise(epoch) for epoch in range(20)]
    assert noise == pytest.approx([0.4] * 5 + [0.2] * 5 + [0.4 / 3] * 5 + [0.1] * 5)
    assert PolicyConfig().noise(999) == pytest.approx(0.002)


def test_the_noise_of_the_papers_line_five():
    config = PolicyConfig(exploration=1, exploration_epochs=1)
    assert [config.noise(epoch) for epoch in range(4)] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1e-6), (25, 5.005e-4), (49, 9.8002e-4), (50, 1e-3), (499, 1e-3), (500, 1e-4), (999, 1e-4)]
)
def test_the_learning_rate_is_the_authors(epoch, rate):
    assert PolicyConfig().learning_rate(epoch) == pytest.approx(rate)


def test_without_warmup_the_rate_starts_at_its_peak():
    config = PolicyConfig(warmup=0, epochs=10, drop=0.8, lr=0.5)
    assert [config.learning_rate(epoch) for epoch in range(10)] == pytest.approx([0.5] * 8 + [0.05] * 2)


def test_the_learning_rate_is_what_the_optimiser_uses():
    """One task, a certain setting, the exact gradient: the steps are the rate times a known gradient."""
    scores, _, _ = train(torch.zeros(1, 1, 5), lambda _, a: a[0], gradient="exact", epochs=1, lr=0.25)
    assert scores[0, 0].tolist() == pytest.approx([-0.0625, 0.0625, 0, 0, 0], abs=1e-7)  # rate 1/4, p(1 - p) = 1/4
    scores, _, _ = train(torch.zeros(1, 1, 5), lambda _, a: a[0], gradient="exact", epochs=1, lr=0.25, warmup=5)
    assert scores[0, 0].tolist() == pytest.approx([-0.25e-6, 0.25e-6, 0, 0, 0], abs=1e-12)


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": 0},
        {"epochs": 0},
        {"epochs": 10.5},
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"members": 0},
        {"members": "3"},
        {"seed": -1},
        {"seed": None},
        {"lr": 0},
        {"lr": math.inf},
        {"lr": math.nan},
        {"momentum": 1},
        {"momentum": -0.1},
        {"momentum": math.nan},
        {"weight_decay": -1e-5},
        {"weight_decay": math.nan},
        {"warmup": -1},
        {"drop": 0},
        {"drop": 1.5},
        {"exploration": -0.1},
        {"exploration": math.inf},
        {"exploration_epochs": 0},
        {"imitation_steps": -1},
        {"imitation_from": -1},
        {"gradient": "autograd"},
        {"entropy": -1},
        {"entropy": math.nan},
        {"length": 0},
        {"length": math.inf},
        {"sharing": -0.1},
        {"sharing": math.nan},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused_by_name(options):
    ((name, value),) = options.items()
    with pytest.raises(InputError, match=rf"\b{name} (is )?{value!r}"):
        PolicyConfig(**options)


def test_members_have_seeds_that_follow_one_another():
    assert PolicyConfig(seed=7, members=3).seeds == [7, 8, 9]


# Samples


def draw(log_pi, noise, count):
    """Settings [count, M] of one task, drawn `count` times."""
    return sample(log_pi.expand(1, count, *log_pi.shape), noise, [generator("test")])[0]


@pytest.mark.parametrize("noise", [0.0, 0.4, 5.0])
def test_samples_follow_the_probabilities_plus_noise(noise):
    count, pi = 20_000, torch.tensor([[0.7, 0.3, 0.0], [0.05, 0.15, 0.8]])
    drawn = draw(padded(torch.tensor([0.7, 0.3, 0.05, 0.15, 0.8]).log()), noise, count)
    raised = pi + noise * torch.tensor([[1.0, 1, 0], [1, 1, 1]])
    expected = raised / raised.sum(-1, keepdim=True)
    shares = torch.stack([(drawn == level).float().mean(0) for level in range(3)], dim=-1)
    torch.testing.assert_close(shares, expected, rtol=0, atol=5 * 0.5 / count**0.5)
    assert shares[0, 2] == 0


def test_parameters_are_drawn_independently():
    drawn = draw(padded(torch.zeros(5)), 0.0, 20_000)
    shares = torch.tensor([((drawn == setting).all(-1)).float().mean() for setting in SETTINGS])
    torch.testing.assert_close(shares, torch.full((6,), 1 / 6), rtol=0, atol=5 * 0.38 / 20_000**0.5)


@pytest.mark.parametrize("setting", SETTINGS.tolist())
def test_without_noise_a_certain_policy_draws_its_setting(setting):
    drawn = draw(padded(certain(setting)[0, 0]), 0.0, 1000)
    assert drawn.eq(torch.tensor(setting)).all()


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
def test_the_ends_of_the_uniform_distribution_draw_possible_levels(monkeypatch, uniform):
    """torch.rand may give 0 and never 1; a sum of probabilities may be a little below 1."""
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.full(*shape, uniform))
    for setting in SETTINGS.tolist():
        assert draw(padded(certain(setting)[0, 0]), 0.0, 1)[0].tolist() == setting
    for scores in torch.randn(200, 5):
        drawn = draw(padded(scores), 0.1, 1)[0].tolist()
        assert drawn == ([0, 0] if uniform == 0 else [1, 2])


def test_members_draw_from_their_own_generators():
    log_pi = padded(torch.zeros(2, 50, 5))
    both = sample(log_pi, 0.0, [generator(0), generator(1)])
    assert both[1].equal(sample(log_pi[1:], 0.0, [generator(1)])[0])
    assert not both[0].equal(both[1])


def test_the_most_probable_setting_takes_each_heads_best():
    log_pi = padded(torch.tensor([0.3, 0.7, 0.5, 0.2, 0.3]).log())
    assert most_probable(log_pi).tolist() == [1, 0]


# Gradients


def test_the_gradient_of_eq_4_by_hand():
    """One head of two levels: pi = (0.75, 0.25), a = 1, R(a) - R(nu) = 8, so that the gradient is 8 (1{a} - pi)."""
    scores = torch.tensor([[[[math.log(3.0), 0.0]]]], requires_grad=True)
    policy_gradient_loss(scores.log_softmax(-1), torch.tensor([[[1]]]), torch.tensor([[8.0]])).backward()
    assert (-scores.grad).ravel().tolist() == pytest.approx([-6.0, 6.0])


def test_the_gradient_of_eq_4_adds_over_heads_and_averages_over_tasks():
    """Heads (1/2, 1/2) and (1/3, 1/3, 1/3), two tasks with advantages 6 and -12; the third level does not exist."""
    scores = torch.zeros(1, 2, 5, requires_grad=True)
    settings = torch.tensor([[[0, 2], [1, 0]]])
    policy_gradient_loss(padded(scores), settings, torch.tensor([[6.0, -12.0]])).backward()
    assert (-scores.grad)[0, 0].tolist() == pytest.approx([1.5, -1.5, -1, -1, 2])  # 6 / 2 times 1{a} - pi
    assert (-scores.grad)[0, 1].tolist() == pytest.approx([3, -3, -4, 2, 2])  # -12 / 2 times 1{a} - pi


def test_a_task_is_not_pushed_to_another_tasks_setting():
    """The fault of the released code: task 0's gradient must not move with what task 1 drew or gained."""
    gradients = []
    for other, advantage in product(SETTINGS[:, None], (-7.0, 0.0, 30.0)):
        scores = torch.arange(10.0).div(5).view(1, 2, 5).requires_grad_()
        settings = torch.stack([torch.tensor([1, 1]), other[0]])[None]
        policy_gradient_loss(padded(scores), settings, torch.tensor([[3.0, advantage]])).backward()
        gradients.append(scores.grad[0, 0])
    assert all(gradient.equal(gradients[0]) for gradient in gradients)
    assert gradients[0].abs().min() > 0


def test_members_gradients_do_not_depend_on_their_number():
    scores = torch.randn(3, 2, 5)
    settings, advantage = torch.randint(0, 2, (3, 2, 2)), torch.randn(3, 2)

    def gradient(members):
        some = scores[members].requires_grad_()
        policy_gradient_loss(padded(some), settings[members], advantage[members]).backward()
        return some.grad

    torch.testing.assert_close(gradient([0, 1, 2])[1:2], gradient([1]))


def test_the_expected_reward_is_the_sum_over_all_settings():
    log_pi, rewards = padded(torch.randn(3, 4, 5)), 100 * torch.rand(3, 4, 6)
    pi = log_pi.exp()
    brute = sum(
        pi[..., 0, light] * pi[..., 1, blur] * rewards[..., place]
        for place, (light, blur) in enumerate(product(range(2), range(3)))
    )
    torch.testing.assert_close(expected_reward(log_pi, SETTINGS, rewards), brute)
    torch.testing.assert_close(expected_reward(log_pi, SETTINGS, torch.ones(3, 4, 6)), torch.ones(3, 4))


@pytest.mark.parametrize("baseline", [0.0, 40.0])
def test_the_exact_gradient_is_the_mean_of_sampled_gradients(baseline):
    """Eq. 2; a baseline that does not depend on the sample leaves the mean as it is."""
    count, rewards = 40_000, torch.tensor([10.0, 40, 25, 60, 30, 5])
    exact = torch.tensor([0.5, -0.5, 0.2, 0.0, -0.7], requires_grad=True)
    expected_reward(padded(exact), SETTINGS, rewards).backward()
    scores = exact.detach().clone().requires_grad_()
    log_pi = padded(scores).expand(1, count, 2, 3)
    drawn = sample(log_pi, 0.0, [generator("test")])
    policy_gradient_loss(log_pi, drawn, rewards[drawn[..., 0] * 3 + drawn[..., 1]] - baseline).backward()
    torch.testing.assert_close(-scores.grad, exact.grad, rtol=0, atol=5 * 60 / count**0.5)
    assert exact.grad.abs().max() > 3


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_the_entropy_of_even_distributions_is_the_logarithm_of_their_levels(levels):
    log_pi = torch.full((2, 3, levels), -torch.inf)
    log_pi[..., 0, :] = -math.log(levels)
    log_pi[..., 1:, 0] = 0.0  # two parameters without a doubt, or without a choice
    torch.testing.assert_close(reinforce.entropy(log_pi), torch.full((2,), math.log(levels)))


def test_the_gradient_of_the_entropy_by_hand():
    """pi = (0.75, 0.25): dH / dz_i = -pi_i (log pi_i + H)."""
    scores = torch.zeros(1, 1, 5)
    scores[..., 0] = math.log(3.0)
    scores.requires_grad_()
    reinforce.entropy(padded(scores)).sum().backward()
    bias = -0.1875 * math.log(3.0)
    assert scores.grad.ravel().tolist() == pytest.approx([bias, -bias, 0, 0, 0], abs=1e-6)


def test_the_weight_of_the_entropy_falls_to_nothing():
    config = PolicyConfig(entropy=2.0, epochs=4)
    assert [config.entropy_weight(epoch) for epoch in range(4)] == pytest.approx([1.5, 1.0, 0.5, 0])


# The loop


def test_an_update_is_eq_4_with_the_most_probable_setting_as_baseline():
    """nu = (1, 0) has reward 20 and what was drawn another: the scores move by (R(a) - R(nu)) (1{a} - pi)."""
    start = torch.tensor([[[0.0, 0.2, 0.3, 0.1, 0.0]]])
    moved, source, _ = train(start.clone(), lambda _, a: 20 + a[1] - 3 * (1 - a[0]), epochs=1, exploration=50.0)
    (_, nu), (_, drawn) = source.pairs
    assert nu == (1, 0)
    pi = [start[0, 0, :2].softmax(0), start[0, 0, 2:].softmax(0)]
    chosen = [torch.eye(levels)[level] for levels, level in zip((2, 3), drawn, strict=True)]
    advantage = drawn[1] - 3 * (1 - drawn[0])
    assert advantage != 0
    torch.testing.assert_close((moved - start)[0, 0], advantage * (torch.cat(chosen) - torch.cat(pi)))


def test_an_epoch_shows_every_task_once_in_minibatches():
    """Seven tasks, four at a time: two requests an epoch, each with all that its minibatch needs."""
    _, source, history = train(
        torch.zeros(1, 7, 5), lambda task, a: task + a[1], epochs=1, batch_size=4, exploration=50.0
    )
    first, second = ({task for task, _ in request} for request in source.requests)
    assert (len(first), len(second)) == (4, 3)
    assert first | second == set(range(7))
    for request, tasks in zip(source.requests, (first, second), strict=True):
        assert {task for task, setting in request if setting == (0, 0)} == tasks  # nu, of all of them
        assert len(request) > len(tasks)  # and what was drawn, at once
    assert history.greedy == [3.0]  # the mean of 0, ..., 6


def test_all_members_ask_at_once():
    _, source, _ = train(torch.zeros(5, 3, 5), lambda *_: 0, epochs=1, batch_size=3, exploration=50.0)
    assert len(source.requests) == 1


@pytest.mark.parametrize("gradient", ["sampled", "exact"])
def test_no_reward_is_asked_for_twice(gradient):
    _, source, history = train(
        torch.zeros(2, 4, 5),
        lambda task, a: task * a[0] + a[1],
        epochs=30,
        lr=0.1,
        gradient=gradient,
        imitation_steps=2,
        imitation_from=5,
    )
    assert len(source.pairs) == len(set(source.pairs)) == history.evaluations == 4 * 6
    assert history.settings == 6
    assert len(history.greedy) == 30
    assert all(source.requests)


def test_evaluations_and_settings_are_counted_apart():
    """Two tasks that are certain of one setting, without noise: two evaluations, one pretraining."""
    _, _, history = train(certain((1, 2), (1, 2)), lambda *_: 50, epochs=3, exploration=0.0)
    assert (history.evaluations, history.settings, history.greedy) == (2, 1, [50.0] * 3)


def test_the_greedy_reward_is_the_mean_over_tasks_and_members():
    scores = torch.cat([certain((0, 0), (1, 0)), certain((1, 2), (0, 1))])
    _, _, history = train(scores, lambda task, a: 100 * task + 10 * a[0] + a[1], epochs=2, exploration=0.0)
    assert history.greedy == pytest.approx([(0 + 110 + 12 + 101) / 4] * 2)


def test_the_exact_gradient_asks_once_for_everything():
    _, source, _ = train(torch.zeros(1, 2, 5), lambda *_: 1, epochs=2, gradient="exact")
    (request,) = source.requests
    assert request == [(task, tuple(setting)) for task in range(2) for setting in SETTINGS.tolist()]


def test_the_exact_gradient_refuses_more_settings_than_it_can_enumerate():
    parameters = tuple(Parameter(f"p{place}", 2) for place in range(17))
    with pytest.raises(InputError, match=r"131072 settings are too many .* use 'sampled'"):
        reinforce.train(
            Scores(torch.zeros(1, 1, 5)), torch.eye(1), Source(None), parameters, PolicyConfig(gradient="exact")
        )


def training(members, tasks):
    config = PolicyConfig(members=members)
    return reinforce._Training(
        Scores(torch.zeros(members, tasks, 5)), torch.eye(tasks), Source(None), PARAMETERS, config
    )


def test_only_a_better_setting_is_remembered():
    """Line 10: by member and task; a setting as good as the best does not replace it."""
    state = training(2, 3)
    tasks = torch.tensor([[2, 0], [1, 2]])
    first = torch.tensor([[[1, 2], [0, 1]], [[1, 0], [0, 2]]])
    state._remember_best(tasks, first, torch.tensor([[5.0, 6], [7, 8]]))
    assert state.best_reward.tolist() == [[6, -math.inf, 5], [-math.inf, 7, 8]]
    assert state.best.tolist() == [[[0, 1], [0, 0], [1, 2]], [[0, 0], [1, 0], [0, 2]]]
    state._remember_best(tasks, torch.ones_like(first), torch.tensor([[5.0, 6.5], [3, 8]]))
    assert state.best_reward.tolist() == [[6.5, -math.inf, 5], [-math.inf, 7, 8]]
    assert state.best.tolist() == [[[1, 1], [0, 0], [1, 2]], [[0, 0], [1, 0], [0, 2]]]


def test_self_imitation_pulls_to_the_best_setting_of_the_task():
    start = torch.tensor([[[3.0, 0, 3, 0, 0]] * 2])  # both tasks prefer (0, 0), which is worth nothing
    options = {"epochs": 20, "batch_size": 2, "lr": 0.05, "exploration": 50.0, "imitation_from": 4}

    def reward(task, setting):
        return 10.0 * (setting == ((0, 2), (1, 1))[task])

    plain, _, before = train(start.clone(), reward, **options)
    helped, _, after = train(start.clone(), reward, imitation_steps=5, **options)
    assert before.greedy[:5] == after.greedy[:5] == [0] * 5  # it begins in epoch 4, after that epoch's R(nu)
    assert most_probable(padded(plain))[0].tolist() == [[0, 0], [0, 0]]
    assert most_probable(padded(helped))[0].tolist() == [[0, 2], [1, 1]]
    assert after.greedy[-1] == 10


@pytest.mark.parametrize(("epochs", "begun"), [(4, False), (5, True)])
def test_self_imitation_begins_with_its_epoch(epochs, begun):
    start = torch.tensor([[[3.0, 0, 3, 0, 0]]])  # prefers (0, 0), the only setting that is worth nothing
    options = {"epochs": epochs, "lr": 0.01, "exploration": 50.0, "imitation_from": 4}
    plain, helped = (train(start.clone(), lambda _, a: sum(a), imitation_steps=steps, **options)[0] for steps in (0, 1))
    assert plain.equal(helped) != begun


def test_self_imitation_stops_where_the_best_is_the_most_probable():
    """R(a_max) - R(nu) = 0: without momentum and decay nothing moves."""
    start = certain((1, 1))
    moved, _, _ = train(
        start.clone(), lambda _, a: 30 + a[1], epochs=4, imitation_steps=5, imitation_from=0, exploration=0
    )
    assert moved.equal(start)


@pytest.mark.parametrize("options", [{"gradient": "exact"}, {"imitation_steps": 3, "imitation_from": 0}], ids=str)
def test_entropy_spreads_a_policy_that_nothing_rewards(options):
    start = torch.tensor([[[1.0, 0, 2, 0, 0]]])
    entropies = []
    for weight in (0.0, 0.5):
        scores, _, _ = train(start.clone(), lambda *_: 0, epochs=10, entropy=weight, **options)
        entropies.append(reinforce.entropy(padded(scores)).item())
    assert entropies[0] == pytest.approx(reinforce.entropy(padded(start)).item())
    assert entropies[0] + 0.1 < entropies[1] <= math.log(6)


def test_training_that_diverges_says_so():
    with pytest.raises(InputError, match=r"training diverged: lower lr \(1e\+38\)"):
        train(torch.zeros(1, 1, 5), lambda _, a: 1e6 * a[1], epochs=20, lr=1e38, gradient="exact")


# Rewards


def test_memory_asks_for_what_it_does_not_know_in_order_and_once():
    source = Source(lambda task, a: 10 * task + a[0] + a[1])
    memory = Memory(source)
    tasks, settings = torch.tensor([[1, 0], [1, 1]]), torch.tensor([[[1, 2], [0, 0]], [[1, 2], [0, 1]]])
    rewards = memory(tasks, settings)
    assert rewards.dtype == torch.float32
    assert rewards.tolist() == [[13, 0], [13, 11]]
    assert source.requests == [[(1, (1, 2)), (0, (0, 0)), (1, (0, 1))]]
    assert memory(tasks, settings).equal(rewards)
    assert memory(torch.tensor([2]), torch.tensor([[1, 2]])).tolist() == [23]
    assert source.requests[1:] == [[(2, (1, 2))]]
    assert (len(memory.known), memory.settings) == (4, 3)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: [math.nan] * n,
        lambda n: [math.inf] * n,
        lambda n: [1.0] * (n - 1),
        lambda n: [1.0] * (n + 1),
        lambda n: 1.0,
        lambda n: [[1.0]] * n,
        lambda n: None,
    ],
    ids=["NaN", "infinite", "too few", "too many", "one for all", "a column", "nothing"],
)
def test_a_source_that_does_not_answer_with_one_finite_number_each_is_refused(answer):
    memory = Memory(lambda tasks, settings: answer(len(tasks)))
    with pytest.raises(InputError, match=r"(?s)rewards of 2 settings are .*wanted one finite number each"):
        memory(torch.tensor([0, 1]), torch.tensor([[0, 0], [1, 1]]))
    assert not memory.known

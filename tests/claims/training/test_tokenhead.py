"""The head over token states: its gradients are right, it learns where to look, and reading repeats what was learnt."""

import numpy as np
import pytest

from claims.tokenhead import TokenHead
from claims.training import tokenhead
from claims.training.tokenhead import Lesson, learn, together


def lesson(rng: np.random.Generator, guilty: bool) -> Lesson:
    """A text in which one token of several says it all."""
    states = rng.normal(size=(int(rng.integers(4, 9)), 8)).astype(np.float16)
    inside = np.zeros(len(states), np.float32)
    if guilty:
        place = int(rng.integers(len(states)))
        states[place, 0] = 6
        inside[place] = 1
    return Lesson(states, float(guilty), 1 if guilty else -1, 1.0, inside)


def test_it_learns_that_one_token_decides() -> None:
    rng = np.random.default_rng(1)
    lessons = [lesson(rng, bool(number % 2)) for number in range(400)]
    head = TokenHead(together([learn(lessons, 3, seed, epochs=25) for seed in (1, 2)]))
    fresh = [lesson(rng, bool(number % 2)) for number in range(60)]
    opinions = [head.read(item.states.astype(np.float32)) for item in fresh]
    right = [(opinion.claim > 0) == bool(item.claim) for opinion, item in zip(opinions, fresh, strict=True)]
    assert np.mean(right) > 0.9
    assert all(int(np.argmax(o.classes)) == 1 for o, item in zip(opinions, fresh, strict=True) if item.claim)


def test_the_same_seed_gives_the_same_weights() -> None:
    rng = np.random.default_rng(2)
    lessons = [lesson(rng, bool(number % 2)) for number in range(100)]
    first, second = (learn(lessons, 3, 5, epochs=1) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", ["project", "query", "claim", "classes", "token", "project_bias", "claim_bias"])
def test_gradients_are_those_of_the_loss(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenhead, "DROPOUT", 0.0)
    rng = np.random.default_rng(3)
    batch = tokenhead._padded(
        [lesson(rng, bool(number % 2)) for number in range(6)], np.zeros(8, np.float32), np.ones(8, np.float32)
    )
    params = {key: value.astype(np.float64) for key, value in tokenhead._begin(8, 3, rng).items()}
    found = np.asarray(tokenhead._gradients(params, batch, rng)[name], np.float64).reshape(-1)
    flat = np.asarray(params[name]).reshape(-1)
    for place in rng.integers(0, flat.size, 5):
        sides = []
        for step in (1e-5, -1e-5):
            moved = flat.copy()
            moved[place] += step
            sides.append(loss(params | {name: moved.reshape(np.shape(params[name]))}, batch))
        assert found[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-4)


def loss(params, batch) -> float:
    """The loss whose gradients `_gradients` gives, written out plainly."""
    total, guilty = 0.0, max(1, int((batch.classes >= 0).sum()))
    known = max(1, int((batch.inside >= 0).sum()))
    for row in range(len(batch.states)):
        states = batch.states[row][batch.mask[row]].astype(np.float64)
        shown = exact_gelu(states @ params["project"] + params["project_bias"])
        drawn = shown @ params["query"] + params["query_bias"]
        attention = np.exp(drawn) / np.exp(drawn).sum(axis=0)
        flat = np.concatenate([(attention.T @ shown).reshape(-1), shown.mean(axis=0)])
        wanted = batch.claims[row] * (1 - 2 * tokenhead.SMOOTHING) + tokenhead.SMOOTHING
        total += (
            crossed(flat @ params["claim"] + params["claim_bias"], wanted)
            * float(batch.weights[row])
            / len(batch.states)
        )
        if batch.classes[row] >= 0:
            logits = flat @ params["classes"] + params["classes_bias"]
            chance = float(logits[batch.classes[row]] - np.log(np.exp(logits).sum()))
            total -= tokenhead.CLASS_SHARE * float(batch.weights[row]) * chance / guilty
        tokens = shown @ params["token"] + params["token_bias"]
        for token, inside in zip(tokens, batch.inside[row], strict=False):
            total += tokenhead.TOKEN_SHARE * crossed(token, float(inside)) / known
    return float(total)


def crossed(logit: float, wanted: float) -> float:
    return float(np.log1p(np.exp(logit)) - wanted * logit)


def exact_gelu(values):
    return 0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3)))

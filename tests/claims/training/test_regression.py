"""The regression learns what can be learnt, from dense rows and from bags."""

import numpy as np

from claims.training.regression import Bags, Dense, fit, predict


def test_it_separates_what_is_separable() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    wanted = (rows[:, :1] + rows[:, 1:2] > 0).astype(np.float32)
    weights, bias = fit(Dense(rows), wanted, np.ones(200, np.float32), penalty=1e-4)
    assert np.mean((predict(Dense(rows), weights, bias) > 0.5) == wanted) > 0.95


def test_bags_give_the_same_as_their_dense_form() -> None:
    bags = Bags.of([np.array([1, 2]), np.array([2]), np.array([], dtype=np.int64)])
    weights = np.zeros((1, 1 << 16), np.float32)
    weights[0, 1], weights[0, 2] = 1.0, 2.0
    assert np.allclose(bags.times(weights)[:, 0], [3 / np.sqrt(2), 2.0, 0.0])
    assert np.allclose(bags.take(np.array([1])).times(weights), [[2.0]])
    assert bags.back(np.ones((3, 1), np.float32))[0, 2] == np.float32(1 / np.sqrt(2)) + 1

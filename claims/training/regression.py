"""Logistic regression in numpy: dense or hashed inputs, one or many classes, L2 penalty, Adam (Kingma & Ba 2015)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims.ngrams import BUCKETS

Matrix = NDArray[np.float32]
Ints = NDArray[np.int64]
_BETA1, _BETA2, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of buckets, one a row, as flat arrays; a row's weight is one over the root of its size."""

    buckets: Ints
    rows: Ints
    count: int
    scale: Matrix

    @classmethod
    def of(cls, bags: Sequence[Ints]) -> "Bags":
        """From one array of buckets a row."""
        sizes = np.array([max(1, bag.size) for bag in bags])
        rows = np.repeat(np.arange(len(bags)), [bag.size for bag in bags])
        scale = (1.0 / np.sqrt(sizes)).astype(np.float32)
        return cls(np.concatenate([*bags, np.array([], dtype=np.int64)]), rows, len(bags), scale)

    def times(self, weights: Matrix) -> Matrix:
        """``(count, classes)`` from weights ``(classes, BUCKETS)``."""
        columns = [np.bincount(self.rows, w[self.buckets], minlength=self.count) for w in weights]
        return (np.stack(columns, axis=1) * self.scale[:, None]).astype(np.float32)

    def back(self, errors: Matrix) -> Matrix:
        """The gradient ``(classes, BUCKETS)`` of errors ``(count, classes)``."""
        scaled = errors * self.scale[:, None]
        return np.stack([np.bincount(self.buckets, e[self.rows], minlength=BUCKETS) for e in scaled.T]).astype(
            np.float32
        )

    def take(self, chosen: Ints) -> "Bags":
        """The rows of those indexes."""
        bounds = np.searchsorted(self.rows, np.arange(self.count + 1))
        return Bags.of([self.buckets[bounds[i] : bounds[i + 1]] for i in chosen])


@dataclass(frozen=True, slots=True)
class Dense:
    """Rows of numbers."""

    values: Matrix

    def times(self, weights: Matrix) -> Matrix:
        """``(count, classes)``."""
        return self.values @ weights.T

    def back(self, errors: Matrix) -> Matrix:
        """The gradient ``(classes, columns)``."""
        return errors.T @ self.values

    def take(self, chosen: Ints) -> "Dense":
        """The rows of those indexes."""
        return Dense(self.values[chosen])


def fit(
    inputs: Bags | Dense, targets: Matrix, weights: Matrix, *, penalty: float, steps: int = 200, rate: float = 0.1
) -> tuple[Matrix, Matrix]:
    """Weights ``(classes, columns)`` and biases; targets ``(count, classes)``: one column is logistic, more softmax."""
    columns = BUCKETS if isinstance(inputs, Bags) else inputs.values.shape[1]
    params = [np.zeros((targets.shape[1], columns), np.float32), np.zeros(targets.shape[1], np.float32)]
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in params]
    total = float(weights.sum())
    for step in range(1, steps + 1):
        errors = (predict(inputs, params[0], params[1]) - targets) * weights[:, None] / total
        gradients = [inputs.back(errors) + penalty * params[0], errors.sum(axis=0)]
        pace = rate * (1.0 - 0.9 * step / steps)
        for index, gradient in enumerate(gradients):
            first, second = moments[index]
            moments[index] = first, second = (
                _BETA1 * first + (1 - _BETA1) * gradient,
                _BETA2 * second + (1 - _BETA2) * gradient**2,
            )
            upward = np.sqrt(second / (1 - _BETA2**step)) + _TINY
            params[index] = params[index] - pace * (first / (1 - _BETA1**step)) / upward
    return params[0], params[1]


def predict(inputs: Bags | Dense, weights: Matrix, biases: Matrix) -> Matrix:
    """Probabilities ``(count, classes)``."""
    logits = np.clip(inputs.times(weights) + biases, -30, 30)
    if logits.shape[1] == 1:
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32)
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=1, keepdims=True), np.float32)

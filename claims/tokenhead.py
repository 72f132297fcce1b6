"""Reads the states of an utterance's tokens: a small network over a sentence encoder that stays as it is.

The mean over all tokens, which a sentence embedding is, drowns the few words that make a claim. Here every token is
projected, several learned queries each pick the tokens they attend to (attention pooling, Lin et al. 2017), and
what they picked, with the mean, is weighed: claim or none, and which class.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
PREFIX = "head_"
NAMES = ("project", "project_bias", "query", "query_bias", "claim", "claim_bias", "classes", "classes_bias")
_CURVE = float(np.sqrt(2.0 / np.pi))


@dataclass(frozen=True, slots=True)
class Opinion:
    """Log-odds of a claim, and log-odds of each class up to a constant."""

    claim: float
    classes: Matrix


class TokenHead:
    """One or several networks of one shape, whose opinions are averaged. Weights by name, each ``(networks, …)``."""

    def __init__(self, weights: Mapping[str, Matrix]) -> None:
        self._weights = {name: np.asarray(weights[PREFIX + name], np.float32) for name in NAMES}

    def read(self, states: Matrix) -> Opinion:
        """What it makes of ``states``, ``(tokens, width)`` with at least one token."""
        weights = self._weights
        shown = gelu(states @ weights["project"] + weights["project_bias"][:, None])
        drawn = shown @ weights["query"] + weights["query_bias"][:, None]
        attention = np.exp(drawn - drawn.max(axis=1, keepdims=True))
        attention /= attention.sum(axis=1, keepdims=True)
        picked = attention.transpose(0, 2, 1) @ shown
        flat = np.concatenate([picked.reshape(len(picked), -1), shown.mean(axis=1)], axis=1)
        claim = (flat * weights["claim"]).sum(axis=1) + weights["claim_bias"]
        classes = (flat[:, None] @ weights["classes"])[:, 0] + weights["classes_bias"]
        return Opinion(float(claim.mean()), np.asarray(classes.mean(axis=0), np.float32))


def gelu(values: Matrix) -> Matrix:
    """Gaussian error linear units by their tanh form (Hendrycks & Gimpel 2016)."""
    return np.asarray(0.5 * values * (1.0 + bent(values)), np.float32)


def bent(values: Matrix) -> Matrix:
    """The tanh of that form; products, as powers take ten times as long."""
    return np.asarray(np.tanh(_CURVE * values * (1.0 + 0.044715 * values * values)), np.float32)

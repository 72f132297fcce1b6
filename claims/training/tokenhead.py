"""How `claims.tokenhead` is trained: numpy, AdamW (Loshchilov & Hutter 2019) with a rate that rises and falls.

Besides claim and class the network learns for every token whether it is part of the marked words: that teaches it
where to look, and is forgotten afterwards. Dropout (Srivastava et al. 2014) on states, on tokens and on the summary.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims.tokenhead import NAMES, PREFIX, bent

Matrix = NDArray[np.float32]
Ints = NDArray[np.int64]
WIDTH, QUERIES, DROPOUT = 96, 4, 0.35
EPOCHS, BATCH, RATE, DECAY = 3, 64, 2e-3, 1e-2
SMOOTHING, CLASS_SHARE, TOKEN_SHARE = 0.02, 0.3, 0.5
_BETA1, _BETA2, _TINY = 0.9, 0.999, 1e-8
_CURVE = float(np.sqrt(2.0 / np.pi))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text to learn from: states of its tokens, 1 or 0 for a claim, its class (-1 none), how much it counts.

    ``inside`` says for each token whether it is in the marked words; nothing where that is not known.
    """

    states: NDArray[np.float16]
    claim: float
    category: int
    weight: float
    inside: Matrix | None


def learn(lessons: Sequence[Lesson], classes: int, seed: int, epochs: int = EPOCHS) -> dict[str, Matrix]:
    """The weights of one network by the names of `claims.tokenhead`, each with a first axis of length 1."""
    rng = np.random.default_rng(seed)
    sample = np.concatenate([lesson.states for lesson in lessons[:: max(1, len(lessons) // 1_500)]]).astype(np.float32)
    mean, spread = sample.mean(axis=0), sample.std(axis=0) + 1e-6
    params = _begin(sample.shape[1], classes, rng)
    moments = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in params.items()}
    batches = [batch for _ in range(epochs) for batch in _batches(lessons, rng)]
    for step, batch in enumerate(batches, 1):
        gradients = _gradients(params, _padded([lessons[i] for i in batch], mean, spread), rng)
        pace = RATE * _pace(step / len(batches))
        for name, gradient in gradients.items():
            first, second = moments[name]
            first, second = _BETA1 * first + (1 - _BETA1) * gradient, _BETA2 * second + (1 - _BETA2) * gradient**2
            moments[name] = first, second
            move = (first / (1 - _BETA1**step)) / (np.sqrt(second / (1 - _BETA2**step)) + _TINY)
            params[name] = params[name] - pace * (move + DECAY * params[name])
    raw = params["project"] / spread[:, None]
    params |= {"project": raw, "project_bias": params["project_bias"] - mean @ raw}
    return {PREFIX + name: params[name][None].astype(np.float32) for name in NAMES}


def together(networks: Sequence[Mapping[str, Matrix]]) -> dict[str, Matrix]:
    """Several networks as one set of weights."""
    return {name: np.concatenate([network[name] for network in networks]) for name in networks[0]}


def _begin(width: int, classes: int, rng: np.random.Generator) -> dict[str, Matrix]:
    summary = WIDTH * (QUERIES + 1)
    shapes = {
        "project": (width, WIDTH), "query": (WIDTH, QUERIES), "claim": (summary,), "classes": (summary, classes),
        "token": (WIDTH,),
    }  # fmt: skip
    params = {name: rng.normal(0, shape[0] ** -0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    biases = {"project": (WIDTH,), "query": (QUERIES,), "claim": (), "classes": (classes,), "token": ()}
    return params | {f"{name}_bias": np.zeros(shape, np.float32) for name, shape in biases.items()}


def _pace(done: float) -> float:
    """Up over the first third, then down to nothing, along a cosine (Smith 2018)."""
    place = done / 0.3 if done < 0.3 else 1 - (done - 0.3) / 0.7
    return float(0.04 + 0.96 * (1 - np.cos(np.pi * max(0.0, place))) / 2)


def _batches(lessons: Sequence[Lesson], rng: np.random.Generator) -> Iterator[Ints]:
    """All lessons once, like lengths together, in random order."""
    order = np.argsort(np.array([len(lesson.states) for lesson in lessons]) + rng.random(len(lessons)) * 6)
    batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


@dataclass(frozen=True, slots=True)
class _Batch:
    states: Matrix
    mask: NDArray[np.bool_]
    claims: Matrix
    classes: Ints
    weights: Matrix
    inside: Matrix


def _padded(lessons: Sequence[Lesson], mean: Matrix, spread: Matrix) -> _Batch:
    longest = max(len(lesson.states) for lesson in lessons)
    states = np.zeros((len(lessons), longest, len(mean)), np.float32)
    inside = np.full((len(lessons), longest), -1, np.float32)
    mask = np.zeros((len(lessons), longest), bool)
    for row, lesson in enumerate(lessons):
        size = len(lesson.states)
        states[row, :size] = (lesson.states - mean) / spread
        mask[row, :size] = True
        if lesson.inside is not None:
            inside[row, :size] = lesson.inside[:size]
    return _Batch(
        states, mask, np.array([x.claim for x in lessons], np.float32), np.array([x.category for x in lessons]),
        np.array([x.weight for x in lessons], np.float32), inside,
    )  # fmt: skip


def _gradients(params: dict[str, Matrix], batch: _Batch, rng: np.random.Generator) -> dict[str, Matrix]:
    """Gradients of the loss on a batch: forward, then back by hand."""
    rows = len(batch.states)
    seen = batch.states * _dropped(batch.states.shape, rng)
    before = np.asarray(seen @ params["project"] + params["project_bias"], np.float32)
    keep_shown = _dropped(before.shape, rng)
    curve = bent(before)
    shown = 0.5 * before * (1 + curve) * keep_shown
    drawn = np.where(batch.mask[:, :, None], shown @ params["query"] + params["query_bias"], -1e9)
    attention = np.exp(drawn - drawn.max(axis=1, keepdims=True))
    attention /= attention.sum(axis=1, keepdims=True)
    counted = batch.mask[:, :, None] / batch.mask.sum(axis=1)[:, None, None]
    picked = attention.transpose(0, 2, 1) @ shown
    keep = _dropped((rows, WIDTH * (QUERIES + 1)), rng)
    flat = np.concatenate([picked.reshape(rows, -1), (shown * counted).sum(axis=1)], axis=1) * keep

    off_claim, off_class, off_token = _errors(params, batch, flat, shown)
    grads = {"claim": flat.T @ off_claim, "claim_bias": off_claim.sum()}
    grads |= {"classes": flat.T @ off_class, "classes_bias": off_class.sum(axis=0)}
    grads |= {"token": np.einsum("bl,blh->h", off_token, shown), "token_bias": off_token.sum()}
    back = (off_claim[:, None] * params["claim"] + off_class @ params["classes"].T) * keep
    to_picked, to_mean = back[:, : WIDTH * QUERIES].reshape(rows, QUERIES, WIDTH), back[:, WIDTH * QUERIES :]
    to_attention = shown @ to_picked.transpose(0, 2, 1)
    to_drawn = attention * (to_attention - (attention * to_attention).sum(axis=1, keepdims=True))
    to_shown = attention @ to_picked + counted * to_mean[:, None] + to_drawn @ params["query"].T
    to_shown += off_token[:, :, None] * params["token"]
    to_before = to_shown * keep_shown * _gelu_slope(before, curve)
    grads |= {"query": _outer(shown, to_drawn), "query_bias": to_drawn.sum(axis=(0, 1))}
    grads |= {"project": _outer(seen, to_before), "project_bias": to_before.sum(axis=(0, 1))}
    return {name: np.asarray(gradient, np.float32) for name, gradient in grads.items()}


def _errors(params: dict[str, Matrix], batch: _Batch, flat: Matrix, shown: Matrix) -> tuple[Matrix, ...]:
    """What the loss says about the log-odds of claim, classes and tokens."""
    rows = len(flat)
    wanted = batch.claims * (1 - 2 * SMOOTHING) + SMOOTHING
    off_claim = (_sigmoid(flat @ params["claim"] + params["claim_bias"]) - wanted) * batch.weights / rows
    logits = flat @ params["classes"] + params["classes_bias"]
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    guilty = batch.classes >= 0
    chances[guilty, batch.classes[guilty]] -= 1
    off_class = chances * (CLASS_SHARE * batch.weights * guilty / max(1, guilty.sum()))[:, None]
    known = batch.inside >= 0
    off_token = (_sigmoid(shown @ params["token"] + params["token_bias"]) - batch.inside) * known
    off_token *= TOKEN_SHARE / max(1, int(known.sum()))
    return tuple(np.asarray(off, np.float32) for off in (off_claim, off_class, off_token))


def _outer(left: Matrix, right: Matrix) -> Matrix:
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def _dropped(shape: tuple[int, ...], rng: np.random.Generator) -> Matrix:
    return ((rng.random(shape, dtype=np.float32) >= DROPOUT) / (1 - DROPOUT)).astype(np.float32)


def _sigmoid(logits: Matrix) -> Matrix:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def _gelu_slope(values: Matrix, curve: Matrix) -> Matrix:
    inner = _CURVE * (1 + 3 * 0.044715 * values * values)
    return np.asarray(0.5 * (1 + curve) + 0.5 * values * (1 - curve * curve) * inner, np.float32)

"""Training gives the same bytes from the same sentences, leaves whole authors out, and rules count as they are."""

from zlib import crc32

import numpy as np
import pytest

from claims.training import train
from claims.training.encoded import Ranges, States, Store
from claims.training.sentences import Sentence, read_sentences

PER_AUTHOR = 16


@pytest.fixture(scope="module")
def examples() -> list[train.Example]:
    """Some sentences of every author, as the scorers see them."""
    chosen: list[Sentence] = []
    for authors in train.LEFT_OUT:
        theirs = [s for s in read_sentences() if s.author in authors and not s.unseen]
        for kinds in (train.KINDS[:1], train.KINDS[1:2], train.KINDS[2:], ("paraphrase", "numeral")):
            some = [s for s in theirs if s.variant in kinds and (s.label == "none") == (kinds[0] in train.KINDS)]
            chosen += some[:: max(1, len(some) // (PER_AUTHOR // 4))][: PER_AUTHOR // 4]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "from_grammar", lambda rng: [])
        return train.examples_of(chosen)


@pytest.fixture
def states(examples: list[train.Example]) -> dict[str, States]:
    """States drawn by text, in place of those of the encoder."""
    ranges = Ranges()
    texts = {text for e in examples for text in (e.reading.text, e.reading.repaired)}
    found = {}
    for text in sorted(texts):
        tokens = len(ranges.inside(text, [False] * len(text)))
        rng = np.random.default_rng(crc32(text.encode()))
        found[text] = rng.normal(size=(tokens, 8)).astype(np.float16)
    return found


def test_the_same_sentences_give_the_same_weights(examples, states, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(train, "_STEPS", 6)
    digests = []
    for run in ("one", "two"):
        arrays, notes = train.train(examples, states, Store(tmp_path / run, "encoder"))
        digests.append((train.write(arrays, tmp_path / f"{run}.npz"), repr(notes)))
    assert digests[0] == digests[1]
    # What was kept in the folder gives the same again.
    arrays, _ = train.train(examples, states, Store(tmp_path / "one", "encoder"))
    assert train.write(arrays, tmp_path / "again.npz") == digests[0][0]


def test_an_author_is_left_out_whole(examples) -> None:
    folds = {e.sentence.author: e.fold for e in examples}
    assert set(folds.values()) == set(range(len(train.LEFT_OUT)))
    assert all(e.fold == folds[e.sentence.author] for e in examples)


def test_noise_of_a_sentence_depends_on_no_other(monkeypatch) -> None:
    monkeypatch.setattr(train, "from_grammar", lambda rng: [])
    some = [s for s in read_sentences() if not s.unseen][:3]
    together = [e.sentence.text for e in train.examples_of(some)]
    assert together == [e.sentence.text for s in some for e in train.examples_of([s])]

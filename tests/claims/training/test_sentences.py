"""The training sentences and what noise does to them."""

import numpy as np
import pytest

from claims.training.augment import amid, chatter, from_grammar, misheard, parted
from claims.training.sentences import read_sentences, unmarked


def test_marks_become_spans() -> None:
    assert unmarked("今天【最低价】，【手慢无】") == ("今天最低价，手慢无", ((2, 5), (6, 9)))


def test_there_are_enough_of_each_kind_and_unseen_ideas_are_kept_apart() -> None:
    sentences = read_sentences()
    lawful = [s for s in sentences if s.label == "none"]
    assert len(sentences) >= 2000
    assert 0.35 < len(lawful) / len(sentences) < 0.6
    unseen = {s.text for s in sentences if s.unseen}
    assert len(unseen) > 300
    assert unseen.isdisjoint(s.text for s in sentences if not s.unseen)
    assert len({s.label for s in sentences if s.unseen}) == 12


def test_a_line_that_does_not_fit_is_named(tmp_path) -> None:
    (tmp_path / "bad.txt").write_text("@ absolute_term plain\nc 没有标记的一句\n", "utf-8")
    with pytest.raises(ValueError, match=r"bad.txt, line 2"):
        read_sentences(tmp_path)


def test_noise_keeps_label_and_spans_in_place() -> None:
    rng = np.random.default_rng(7)
    for sentence in (*read_sentences()[::40], *from_grammar(rng)[::90]):
        noisy = misheard(sentence, rng)
        assert len(noisy.text) == len(sentence.text)
        for longer in (chatter(sentence, rng), amid(sentence, rng)):
            assert [longer.text[a:b] for a, b in longer.spans] == [sentence.text[a:b] for a, b in sentence.spans]
        assert len(parted(sentence, rng).text) == len(sentence.text)

"""Blocks of a query and what hosts say for it."""

from pathlib import Path

import pytest

from index.training.pairs import Block, read_blocks, tuning_blocks


def test_a_block_is_a_query_its_answers_and_others_by_an_author(tmp_path: Path) -> None:
    (tmp_path / "pairs_b1.txt").write_text(
        "? 不掉色\n+ 洗烂了还是这个红\n- 会掉一点\n\n? 防水\n+ 泡一夜照样走\n", "utf-8"
    )
    first, second = read_blocks(tmp_path)
    assert first == Block("不掉色", ("洗烂了还是这个红",), ("会掉一点",), "b")
    assert second.others == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [("+ 没有问题的回答\n", 1), ("? 问\n+ 答\n* 这是什么\n", 3), ("? 没有人回答\n- 别的\n? 另一个\n+ 答\n", 3)],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "pairs_a1.txt").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"pairs_a1.txt, line {line}:"):
        read_blocks(tmp_path)


def test_two_authors_wrote_the_pairs_and_none_of_them_an_answer_twice_as_its_opposite() -> None:
    blocks = read_blocks()
    assert {block.author for block in blocks} == {"a", "b"}
    assert len(blocks) >= 600
    assert all(set(block.answers).isdisjoint(block.others) for block in blocks)


def test_the_tuning_set_gives_its_paraphrases_as_answers() -> None:
    blocks = tuning_blocks()
    assert len(blocks) == 70
    assert all(block.answers and block.others for block in blocks)

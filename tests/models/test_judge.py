"""Judges load a folder only; a tiny one with random weights shows that the real loading code runs."""

import importlib.util
from pathlib import Path

import pytest

from core.errors import ModelError
from models.judge import load_judge

INSTALLED = importlib.util.find_spec("transformers") is not None and importlib.util.find_spec("torch") is not None
needs_extra = pytest.mark.skipif(not INSTALLED, reason="the extra torch is not installed")
CHARACTERS = list("[]主播宣称这个商品能祛斑美白三天见效没有保证，。")


@pytest.mark.skipif(INSTALLED, reason="the extra torch is installed")
def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_judge(tmp_path)
    assert error.value.hint is not None
    assert "torch" in error.value.hint.en


def model(folder: Path, labels: tuple[str, ...]) -> Path:
    """A model of a few thousand weights, saved as transformers saves them."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        id2label=dict(enumerate(labels)), label2id={name: place for place, name in enumerate(labels)},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@needs_extra
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("labels", [("contradiction", "neutral", "entailment"), ("score",)])
def test_a_folder_with_a_model_answers_between_0_and_1(tmp_path: Path, labels: tuple[str, ...]) -> None:
    judge = load_judge(model(tmp_path / "judge", labels))
    answers = judge.entailed("三天祛斑\x00\ud800", ["主播宣称能祛斑", "主播宣称没有保证"])
    assert all(0 <= answer <= 1 for answer in answers)
    assert answers[0] != answers[1]
    assert judge.entailed("三天", []) == []
    assert len(judge.identity.sha256) == 64
    judge.close()
    with pytest.raises(ModelError):
        judge.entailed("三天", ["有效"])


@needs_extra
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_that_knows_no_entailment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="entailment"):
        load_judge(model(tmp_path / "judge", ("good", "bad")))
    with pytest.raises(ModelError):
        load_judge(tmp_path)

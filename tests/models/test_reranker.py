"""Cross-encoders with a real, tiny model with random weights; runs where the extra torch is installed."""

import importlib.util
from pathlib import Path

import pytest

from core.errors import ModelError, NotFoundError
from models.reranker import load_reranker

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_extra = pytest.mark.skipif(not INSTALLED, reason="the extra torch is not installed")
LETTERS = "三天祛斑的面膜真好用今日发货"


@pytest.mark.skipif(INSTALLED, reason="the extra torch is installed")
def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_reranker(str(tmp_path), cache_dir=tmp_path)
    assert error.value.hint is not None
    assert "torch" in error.value.hint.zh


def tiny_model(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder of two thin layers over single characters, saved as any other is."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@needs_extra
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pairs_are_scored_between_0_and_1(tmp_path: Path) -> None:
    reranker = load_reranker(str(tiny_model(tmp_path / "tiny")), cache_dir=tmp_path, device="cpu")
    texts = ["面膜真好用", "今日发货", "", "\x00\ufdfa" * 400]
    scores = reranker.scores("三天祛斑", texts)
    assert len(scores) == 4
    assert all(0 < score < 1 for score in scores)
    assert scores == pytest.approx([reranker.scores("三天祛斑", [text])[0] for text in texts], abs=1e-4)
    assert reranker.scores("三天祛斑", []) == []
    assert len(reranker.identity.sha256) == 64
    reranker.close()
    reranker.close()
    with pytest.raises(ModelError):
        reranker.scores("三天祛斑", ["面膜"])


@needs_extra
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_no_cross_encoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError):
        load_reranker(str(tmp_path / "empty"), cache_dir=tmp_path)
    with pytest.raises(ModelError):
        load_reranker(str(tiny_model(tmp_path / "classes", labels=3)), cache_dir=tmp_path, device="cpu")
    with pytest.raises(NotFoundError):
        load_reranker(str(tmp_path / "nowhere"), cache_dir=tmp_path)

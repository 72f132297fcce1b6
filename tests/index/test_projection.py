"""What a query looks for: learnt for the bundled embedder, the plain cosine for any other."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.records import ModelIdentity
from index.projection import TOP, WEIGHTS, LearntProjection, PlainProjection, Probe, projection_of, unit
from models.embedding import Embedder, Matrix


def meanings(embedder: Embedder, query: str, texts: Sequence[str]) -> list[float]:
    probe = projection_of(embedder).probe(embedder.embed([query], "query")[0])
    return [float(m) for m in probe.meaning(embedder.embed(texts) @ probe.direction)]


def test_a_claim_in_other_words_is_nearer_than_the_same_words_about_something_else(embedder: Embedder) -> None:
    claim, delivery = meanings(embedder, "三天祛斑", ["用到周四，脸上那块黄褐色的就找不着了", "三天之内一定给您发货"])
    assert claim > 2 * delivery
    assert claim > 0.5


def test_other_matters_are_near_nothing(embedder: Embedder) -> None:
    assert max(meanings(embedder, "说能降血压", ["袖口是罗纹的，不勒手", "今晚八点还有一场", "这款有四个颜色"])) < 0.4


def test_a_text_without_a_vector_is_near_nothing(embedder: Embedder) -> None:
    probe = projection_of(embedder).probe(embedder.embed(["三天祛斑"], "query")[0])
    assert float(probe.meaning(np.zeros(embedder.dim, dtype=np.float32) @ probe.direction)) == 0


def test_meaning_is_cut_at_both_ends_and_unknown_stays_unknown() -> None:
    found = Probe(np.ones(1, dtype=np.float32), 0.0).meaning(np.array([-1, 0.5, 9, np.nan], dtype=np.float32))
    assert found[:3].tolist() == [0, 0.5, TOP]
    assert np.isnan(found[3])


def test_likeness_is_that_of_the_query_itself_and_nothing_where_it_is_unknown() -> None:
    plain = unit(np.array([3.0, 4.0], dtype=np.float32))
    probe = Probe(plain, 0.0, plain)
    assert probe.likeness(np.array([1.0, 0.89, 0.84, np.nan], dtype=np.float32)) == pytest.approx(
        [0.8, 0.5, 0, 0], abs=1e-5
    )


def test_a_plain_projection_is_the_cosine_between_floor_and_span() -> None:
    vector = unit(np.array([3.0, 4.0], dtype=np.float32))
    probe = PlainProjection(0.8, 0.1).probe(vector)
    assert probe.meaning(vector @ probe.direction) == pytest.approx(TOP)
    assert probe.meaning(0.85 * vector @ probe.direction) == pytest.approx(0.5, abs=1e-5)


def test_answers_to_a_query_like_it_draw_the_query_towards_them() -> None:
    asked, answers, mean = np.split(np.eye(5, dtype=np.float32), [2, 4])
    arrays = {"mean": 0.1 * mean[0], "matrix": np.eye(5), "asked": asked, "answers": answers}
    direction = LearntProjection(arrays).probe(asked[0]).direction
    assert direction[0] > 0
    assert direction[2] > 10 * abs(direction[3])


class OtherEmbedder:
    """An embedder that nothing was learnt for: two texts are alike when they share a character."""

    identity = ModelIdentity("other", "ab" * 32)
    dim = 64

    def embed(self, texts: Sequence[str], kind: str = "passage") -> Matrix:
        rows = np.full((len(texts), self.dim), 0.1, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[[ord(char) % self.dim for char in text]] = 1
        return unit(rows)

    def close(self) -> None:
        """Nothing is held."""


def test_another_embedder_is_measured() -> None:
    found = projection_of(OtherEmbedder())
    assert isinstance(found, PlainProjection)
    assert 0 < found.floor < found.floor + found.span <= 1


def test_weights_that_do_not_match_their_card_are_refused(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / WEIGHTS.name
    path.write_bytes(WEIGHTS.read_bytes() + b" ")
    path.with_suffix(".json").write_bytes(WEIGHTS.with_suffix(".json").read_bytes())
    with pytest.raises(ModelError, match="card"):
        projection_of(embedder, path)
    with pytest.raises(ModelError, match="Cannot read"):
        projection_of(embedder, tmp_path / "none.npz")


def test_the_card_names_the_bundled_embedder(embedder: Embedder) -> None:
    card = json.loads(WEIGHTS.with_suffix(".json").read_text("utf-8"))
    assert card["embedder_sha256"] == embedder.identity.sha256

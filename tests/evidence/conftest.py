"""A stamped recording and one package of each kind, made once for all tests of the verifiers."""

from pathlib import Path

import pytest

from core.records import Stream
from evidence.audit import local_actor
from evidence.masks import MaskRequest, Range
from evidence.negative import NearHit, Searched, export_negative
from evidence.package import ExportContext, ExportRequest, export_package
from evidence.receipt import Receipt, receive
from store.scope import Extent, Scope
from tests.evidence.authority import Authority
from tests.evidence.court import Court
from tests.evidence.logged import (
    MODEL,
    STREAM,
    Recording,
    make_recording,
    read_files,
    tell,
)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory):
    with Authority(tmp_path_factory.mktemp("authority") / "tsa") as running:
        yield running


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory, authority: Authority):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data", authority.url)
    tell(made, "三天祛斑，打13800138000", 9_500)
    order = tmp_path_factory.mktemp("received") / "订单.png"
    order.write_bytes(b"\x89PNG an order")
    context = ExportContext(made.db, made.data, made.seal, local_actor())
    receive(context, Stream(STREAM, "test"), [Receipt(order)], "消费者")
    yield made
    made.db.close()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, recording: Recording) -> dict[str, Path]:
    """One of each kind."""
    folder = tmp_path_factory.mktemp("package")
    context = ExportContext(recording.db, recording.data, recording.seal, local_actor())
    made = {kind: folder / f"{kind}.zip" for kind in ("package", "masked", "negative")}
    request = ExportRequest(STREAM, 8_500, 14_500, "案 1", "测试")
    export_package(context, request, made["package"], MaskRequest(made["masked"], mute=(Range(9_000, 9_500),)))
    hit = NearHit(STREAM, 9_500, 11_500, 0.4, "三天", "三天", ("letters",))
    searched = Searched("假一赔十", Scope(), Extent(1, 20_000, 0, 0, 0, 1, 0), (hit,), (MODEL,), ("letters",))
    export_negative(context, searched, made["negative"])
    return made


@pytest.fixture(scope="session")
def package(packages: dict[str, Path]) -> Path:
    return packages["package"]


@pytest.fixture(scope="session")
def files(package: Path) -> dict[str, bytes]:
    return read_files(package)


@pytest.fixture
def court(recording: Recording, authority: Authority, tmp_path: Path) -> Court:
    return Court(recording, authority.ca, tmp_path)

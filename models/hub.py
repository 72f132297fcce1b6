"""Models from the hub: the local cache first, the network only when asked, downloads that resume.

The hub's client stores large files under the sha256 of their content, so that a cached model can be
checked without asking anyone. A mirror can be named with ``HF_ENDPOINT``.
"""

import os
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from core.errors import ModelError, Sentence
from models.cards import ModelKind

_WHISPER_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
WEIGHTS = "model.bin"
# The base error of whichever HTTP library the client uses (it has changed twice): HfHubHTTPError's own parent.
_CLIENT_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
_SHA256 = re.compile(r"[0-9a-f]{64}")


def hub_snapshot(hub_id: str, place: Path, kind: ModelKind, *, offline: bool) -> Path | None:
    """The folder of ``hub_id`` in the cache ``place``.

    Offline: None when it is not there. Online: downloads what is missing, going on where an earlier
    attempt stopped; raises `ModelError` when the hub cannot be reached or does not know the id.
    """
    patterns = _WHISPER_FILES if kind == "asr" else None
    try:
        folder = Path(
            snapshot_download(
                hub_id,
                cache_dir=str(place),
                allow_patterns=patterns,
                local_files_only=offline,
                endpoint=os.environ.get("HF_ENDPOINT") or None,
            )
        )
    except LocalEntryNotFoundError as error:
        if offline:
            return None
        raise _unreachable(hub_id) from error
    except HFValidationError as error:
        raise ModelError(
            "model_hub_id",
            f"{hub_id} 不是合法的模型库编号（形如 组织/名称）。",
            f"{hub_id} is not a valid hub id (owner/name).",
        ) from error
    except (HfHubHTTPError, _CLIENT_ERROR, OSError) as error:
        raise _unreachable(hub_id) from error
    if kind == "asr" and not (folder / WEIGHTS).is_file():
        if offline:
            return None
        raise ModelError(
            "model_hub_format",
            f"模型库中的 {hub_id} 没有 {WEIGHTS}，不是 CTranslate2 格式的 Whisper 模型。",
            f"{hub_id} on the hub has no {WEIGHTS}: it is not a Whisper model converted to CTranslate2.",
        )
    return folder


def hub_sha256(file: Path) -> str:
    """The sha256 under which the hub's cache stores ``file``; empty for a file that is not from there."""
    name = file.resolve().name
    return name if _SHA256.fullmatch(name) else ""


def _unreachable(hub_id: str) -> ModelError:
    return ModelError(
        "model_hub_unreachable",
        f"模型 {hub_id} 不在本机，也无法从模型库下载。",
        f"The model {hub_id} is not on this machine and could not be downloaded from the hub.",
        hint=Sentence(
            "请检查网络或代理；也可以在别的机器下载 CTranslate2 格式的文件夹，拷来后直接用路径指定。"
            "内置的 whisper-base 不需要网络。",
            "Check the network or proxy, or copy the CTranslate2 folder from another machine and give its path. "
            "The bundled whisper-base needs no network.",
        ),
    )

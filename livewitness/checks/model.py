"""Are the models here and unchanged."""

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from models.device import choose_device
from models.embedding import load_embedder
from models.library import resolve


def check_whisper(settings: Settings) -> CheckResult:
    """Holds when the Whisper model of the settings can be found (it is joined and hashed if need be)."""
    folder = resolve(settings.asr_model, settings.cache_dir)
    choice = choose_device(settings.device, settings.compute_type, settings.threads)
    where = f"{choice.device}/{choice.compute_type}, {choice.threads}"
    detail = Sentence(
        f"{settings.asr_model} 在 {folder}（{where} 线程）", f"{settings.asr_model} in {folder} ({where} threads)"
    )
    repair = Sentence(
        f"livewitness models fetch {settings.asr_model}", f"livewitness models fetch {settings.asr_model}"
    )
    return CheckResult("whisper", True, detail, repair)


def check_embedder(settings: Settings) -> CheckResult:
    """Holds when the embedder of the settings gives a vector."""
    embedder = load_embedder(settings.embedder, cache_dir=settings.cache_dir, device=settings.device)
    try:
        fine = bool(embedder.embed(["三天祛斑"], "query").any())
        detail = Sentence(
            f"{embedder.identity.name}，{embedder.dim} 维", f"{embedder.identity.name}, {embedder.dim} dims"
        )
    finally:
        embedder.close()
    return CheckResult("embedder", fine, detail, Sentence("重新安装：make setup", "install again: make setup"))

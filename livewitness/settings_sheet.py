"""The settings for people: a sample file for an environment, and a page of documentation, out of `core.settings`."""

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from core.settings import PREFIX, SAMPLE_SECRET, Settings

_HEAD = """# LiveWitness 播证：设置样例 / sample settings. Made by: livewitness settings sample
#
# 每个注释掉的值都是默认值。用法：systemd 的 EnvironmentFile、docker run --env-file，或 set -a; . FILE; set +a。
# Every value that is commented out is the default. For EnvironmentFile of systemd, docker run --env-file, or
# set -a; . FILE; set +a.
"""
_PAGE = """# Settings / 设置

Made by `livewitness settings page` out of `core/settings.py`. Settings are environment variables;
[deploy/livewitness.env.sample](../deploy/livewitness.env.sample) (`livewitness settings sample`) holds them all with
their defaults, for systemd, a container or a shell. A value out of bounds is refused at start, and so is a secret that
is still the sample's. The data directory can be named on the command line as well (`--data`).
"""


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable outside `Settings`: read where it is used, never shown."""

    name: str
    zh: str
    en: str


SECRETS = (
    Secret(
        "SIGNING_KEY",
        "签名密钥（Ed25519，PEM），代替数据目录中的密钥文件",
        "Signing key (Ed25519, PEM) in place of the file in the data directory.",
    ),
    Secret(
        "SECRETS_KEY",
        "加密推送密钥用的密钥：32 字节的 Base64，代替 keys/secrets.key",
        "Key that seals the secrets of webhooks: 32 bytes in Base64, in place of keys/secrets.key.",
    ),
    Secret(
        "OIDC_SECRET",
        "OpenID Connect 客户端密钥，或用 LIVEWITNESS_OIDC_SECRET_FILE",
        "Client secret for OpenID Connect, if not in LIVEWITNESS_OIDC_SECRET_FILE.",
    ),
    Secret(
        "WEBHOOK_SECRET",
        "livewitness webhooks set 所设目标的签名密钥，至少 16 字",
        "Secret of the target that livewitness webhooks set sets, at least 16 characters.",
    ),
)


def sample() -> str:
    """The sample file."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        zh, en = _words(field)
        lines += [f"# {zh}", f"# {en}", f"# {_bounds(field)}", f"#{PREFIX}{name.upper()}={_value(field.default)}", ""]
    lines += ["# 密钥：样例值会被拒绝 / Secrets: the sample's values are refused.", ""]
    for secret in SECRETS:
        lines += [f"# {secret.zh}", f"# {secret.en}", f"#{PREFIX}{secret.name}={SAMPLE_SECRET}", ""]
    return "\n".join(lines)


def page() -> str:
    """The page of documentation."""
    lines = [_PAGE, "| variable | default | values | |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        zh, en = _words(field)
        value = _value(field.default)
        shown = f"`{value}`" if value else "-"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {_bounds(field)} | {en} {zh} |")
    lines += ["", "## Secrets / 密钥", "", "| variable | |", "|---|---|"]
    lines += [f"| `{PREFIX}{secret.name}` | {secret.en} {secret.zh} |" for secret in SECRETS]
    return "\n".join([*lines, ""])


def _words(field: FieldInfo) -> tuple[str, str]:
    zh, _, en = (field.description or "").partition(" / ")
    return zh, en


def _bounds(field: FieldInfo) -> str:
    """What may be given, in a few words."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation))
    if field.annotation is bool:
        return "true, false"
    found = {type(rule).__name__.lower(): rule for rule in field.metadata}
    least, most = (getattr(found.get(kind), kind, None) for kind in ("ge", "le"))
    if least is not None:
        return f"{least} … {most}" if most is not None else f"≥ {least}"
    length = getattr(found.get("maxlen"), "max_length", None)
    if field.default == {}:
        return "JSON object of texts"
    return f"text, at most {length}" if length else "JSON list" if field.default == () else "text"


def _value(default: Any) -> str:  # noqa: ANN401 - whatever a setting holds
    if isinstance(default, bool | tuple | dict):
        return json.dumps(default)
    return "" if default is None else str(default)

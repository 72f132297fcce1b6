"""``livewitness keys``: the keys that sign checkpoints and packages."""

from pathlib import Path

import click

from core.clock import iso
from core.errors import StorageError
from evidence.audit import append_audit, local_actor
from evidence.audit_seal import try_to_seal
from evidence.keys import Keyring, PublicKey, write_public
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say, stdout
from livewitness.wiring import settings_for


@click.group(name="keys")
def command() -> None:
    """签名密钥 / Signing keys: new, list, rotate, revoke, public."""


@command.command(name="new")
@data_option
def new(data: Path | None) -> None:
    """生成一把密钥 / Make a key."""
    made = _ring(data).new().public.id
    _note(data, "keys.new", {"key": made})
    stdout.print(made, markup=False)


@command.command(name="list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """列出密钥与有效期 / List keys and when they count."""
    for key in _ring(data).known():
        fields = _fields(key)
        if as_json:
            emit(fields)
        else:
            times = "  ".join(f"{name} {value}" for name, value in fields.items() if value and name != "id")
            stdout.print(f"{key.id}  {times}", markup=False, soft_wrap=True)


@command.command(name="rotate")
@data_option
def rotate(data: Path | None) -> None:
    """换新密钥，旧密钥不再签名 / A new key; the old ones sign no more."""
    made = _ring(data).rotate().public.id
    _note(data, "keys.rotate", {"key": made})
    stdout.print(made, markup=False)


@command.command(name="revoke")
@click.argument("key_id")
@click.option("--reason", default="", help="原因 / reason")
@data_option
def revoke(key_id: str, reason: str, data: Path | None) -> None:
    """吊销密钥：只有此前盖过时间戳的签名仍算数 / Withdraw a key: only what was stamped before counts."""
    key = _ring(data).revoke(key_id, reason)
    _note(data, "keys.revoke", {"key": key.id, "reason": reason})
    say(f"{key.id} 已吊销；请重新发布公钥文件。", f"{key.id} is revoked; publish the public file again.")


@command.command(name="public")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="公钥文件 / file")
@data_option
def public(output: Path, data: Path | None) -> None:
    """写出公钥文件，供公开发布 / Write the public file, for publication."""
    ring = _ring(data)
    ring.signing_key()
    try:
        output.write_text(write_public(ring.known()), encoding="ascii")
    except OSError as error:
        raise StorageError(
            "public_unwritable",
            f"{output} 写不进去（{error.strerror}）。",
            f"{output} cannot be written ({error.strerror}).",
        ) from error
    stdout.print(str(output), markup=False, soft_wrap=True)


def _ring(data: Path | None) -> Keyring:
    return Keyring(settings_for(data).data / "keys")


def _note(data: Path | None, action: str, detail: dict[str, str]) -> None:
    """On record in the audit chain, which is signed at once: with another key from here on."""
    folder = settings_for(data).data
    append_audit(folder, local_actor(), action, detail)
    try_to_seal(folder)


def _fields(key: PublicKey) -> dict[str, str]:
    times = {"not_before": key.not_before, "not_after": key.not_after, "revoked": key.revoked}
    return {"id": key.id} | {name: iso(moment) if moment else "" for name, moment in times.items()}

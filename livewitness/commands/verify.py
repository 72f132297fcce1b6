"""``livewitness verify``: whether a package holds, against keys and a CA that come from outside it.

Exit codes: 0 everything holds; 1 something does not; 2 wrong usage; 3 no such file or no key; 4 nothing
contradicts, but its time-stamps were not checked because no CA was given.
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import click

from core.errors import BadInputError, Sentence
from core.settings import Settings
from evidence.audit import append_audit, local_actor
from evidence.editions import find_other_editions
from evidence.keys import Keyring, PublicKey, read_public
from evidence.stamping import read_ca
from evidence.verifier import LIMIT_S, Anchors, Verdict, find_forks, verify_package
from livewitness.cli import data_option, json_option
from livewitness.console import emit, phrase, printable, say, stdout
from livewitness.wiring import settings_for

UNCHECKED = 4


@click.command(name="verify")
@click.argument("packages", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--public-key", type=click.Path(path_type=Path), help="公钥文件，默认本机的公钥 / default: keys of this machine"
)
@click.option(
    "--tsa-ca", type=click.Path(path_type=Path), help="时间戳机构的 CA 证书 / CA of the time-stamping authority"
)
@click.option(
    "--limit",
    type=click.IntRange(1, 7 * 86_400),
    default=LIMIT_S,
    show_default=True,
    help="分段开始到时间戳最多几秒 / most seconds from a segment's start to its token",
)
@data_option
@json_option
def command(
    packages: tuple[Path, ...],
    public_key: Path | None,
    tsa_ca: Path | None,
    limit: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """核验证据包；几个包还互相核对 / Verify packages, each by itself and against each other.

    信任锚只来自包外 / What is trusted comes from outside them.
    """
    settings = settings_for(data)
    authority = tsa_ca or settings.tsa_ca
    roots = tuple(read_ca(authority)) if authority else ()
    anchors = Anchors(_keys(settings, public_key), roots, limit)
    verdicts = {str(package): verify_package(package, anchors) for package in packages}
    for fork in find_forks(verdicts):
        verdicts[fork.file] = replace(verdicts[fork.file], failures=(*verdicts[fork.file].failures, fork))
    holding = [Path(name) for name, verdict in verdicts.items() if verdict.holds]
    pairs, unbound = find_other_editions(holding)
    for path, failure in unbound:
        verdicts[str(path)] = replace(verdicts[str(path)], failures=(*verdicts[str(path)].failures, failure))
    originals = {str(masked): str(original) for masked, original in pairs}
    if settings.database.exists():
        # Only where evidence is kept: somebody else's machine, where a package is checked, has no chain to write to.
        noted = [{"package": Path(name).name, "holds": verdict.holds} for name, verdict in verdicts.items()]
        append_audit(settings.data, local_actor(), "verify", {"packages": noted})
    for name, verdict in verdicts.items():
        if as_json:
            failures = [asdict(failure) for failure in verdict.failures]
            outcome = {"package": name, "holds": verdict.holds, "unchecked": verdict.unchecked}
            emit(outcome | {"failures": failures} | verdict.facts | {"original": originals.get(name)})
        else:
            _tell(Path(name), verdict, trusted_time=bool(roots), original=originals.get(name, ""))
    sys.exit(_code(list(verdicts.values())))


def _code(verdicts: list[Verdict]) -> int:
    if not all(verdict.holds for verdict in verdicts):
        return 1
    return UNCHECKED if any(verdict.unchecked for verdict in verdicts) else 0


def _keys(settings: Settings, given: Path | None) -> tuple[PublicKey, ...]:
    keys = read_public(given) if given else Keyring(settings.data / "keys").known()
    if not keys:
        raise BadInputError(
            "no_trust_anchor",
            "没有可信的公钥：本机没有密钥，也没有给出 --public-key。",
            "There is no key to trust: none on this machine, and no --public-key.",
            hint=Sentence("从录制方的公开渠道取得公钥文件。", "Get the key from where the recorder publishes it."),
        )
    return tuple(keys)


def _tell(package: Path, verdict: Verdict, *, trusted_time: bool, original: str) -> None:
    for failure in verdict.failures:
        reason = phrase(Sentence(failure.zh, failure.en))
        stdout.print(printable(f"✗ {failure.file}: {reason}"), style="red", markup=False, soft_wrap=True)
    if not verdict.holds:
        say(f"{package.name} 核验未通过。", f"{package.name} does not hold.")
        return
    facts = verdict.facts
    counts = f"{facts['files']} files, {facts['segments']} segments, {facts['checkpoints']} checkpoints"
    stdout.print(f"✓ {counts}; clip: {facts['clip']}; log {facts['log']}", markup=False, soft_wrap=True)
    _tell_kind(verdict, original)
    if facts["received"]:
        say(
            f"{facts['received']} 个分段是从别处接收的：时间为接收时间。",
            f"{facts['received']} segments were received from elsewhere: their time is that of receipt.",
        )
    if facts["late"]:
        say(f"{facts['late']} 个分段在恢复后才写入日志。", f"{facts['late']} segments were logged after a restart.")
    if trusted_time and "latest_token_s" in facts:
        delay = facts["latest_token_s"]
        say(f"时间戳最迟在分段开始后 {delay} 秒。", f"The latest token came {delay} s after its segment began.")
    elif not trusted_time:
        say(
            "未核验时间戳（没有给出 --tsa-ca）：时间只凭录制机的时钟。",
            "No time-stamp was checked (no --tsa-ca): time rests on the recorder's clock.",
        )
    if verdict.unchecked:
        say(
            f"{package.name} 没有矛盾，但包内时间戳未核验（退出码 {UNCHECKED}）。",
            f"Nothing in {package.name} contradicts, but its time-stamps were not checked (exit code {UNCHECKED}).",
        )
        return
    say(f"{package.name} 核验通过。", f"{package.name} holds.")


def _tell_kind(verdict: Verdict, original: str) -> None:
    """What a masked edition and a negative result are, and what of them could not be checked."""
    facts = verdict.facts
    if verdict.kind == "masked":
        say(
            f"遮蔽版：{facts['bound']} 个文件绑定到原件，原始分段不在包内，其证明在。"
            + (f"原件是 {original}，逐一相符。" if original else "内容是否与原件一致，需与未遮蔽版一起核验。"),
            f"Masked edition: {facts['bound']} files are bound to originals; the segments are not inside, their proofs "
            + (
                f"are. The original is {original}; all fit."
                if original
                else "are. Verify it together with the original."
            ),
        )
    elif verdict.kind == "negative":
        say(
            f"检索未果：“{facts['query']}”在 {facts['streams']} 场里的最好结果低于阈值 {facts['threshold']:g}。"
            "日志齐全；检索本身未核验，也不证明没有说过。",
            f"Negative result: in {facts['streams']} streams the best hit for “{facts['query']}” is below "
            f"{facts['threshold']:g}. The logs are whole; the search itself was not checked, nor does it prove that it "
            "was not said.",
        )
    elif verdict.kind == "case":
        say(
            f"案卷 {facts['case']}：{facts['exhibits']} 件证据，其中 {facts['packages']} 个证据包逐一核验；"
            "收到的文件只证明收到时的样子。",
            f"Case {facts['case']}: {facts['exhibits']} exhibits; the {facts['packages']} packages among them were "
            "verified one by one. What was received proves what was received.",
        )

"""Documents name only commands, options and files that exist."""

import re
from pathlib import Path

import click
import pytest

from livewitness.cli import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
_COMMAND = re.compile(r"^\s*(?:\$ |# )?livewitness ([a-z][a-z-]*)(.*)$", re.MULTILINE)
_PIECES = re.compile(r"[;；、]|(?= #)|, ")
_INLINE = re.compile(r"`livewitness ([a-z][a-z-]*)([^`\n]*)`")
_TARGET = re.compile(r"\bmake ([a-z][a-z-]+)")
_LINK = re.compile(r"\]\((?!http|#)([^)#]+)(?:#[^)]*)?\)")


def options_of(command: click.Command) -> set[str]:
    found = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    if isinstance(command, click.Group):
        for name in command.list_commands(None):  # type: ignore[arg-type]
            sub = command.get_command(None, name)  # type: ignore[arg-type]
            found |= {name} | (options_of(sub) if sub else set())
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    pieces = "\n".join(_PIECES.split(text))
    for name, rest in _COMMAND.findall(pieces) + _INLINE.findall(text):
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None, f"livewitness {name}"
        known = options_of(command) | {"--help"}
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest):
            assert option in known, f"livewitness {name} {option}"
        if isinstance(command, click.Group) and (word := rest.split("#")[0].split()):
            first = word[0].strip("`,.;")
            assert first in known or not first.isalpha() or first.isupper(), f"livewitness {name} {first}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_make_targets_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in _LINK.findall(text):
        assert (document.parent / link).exists(), link
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join([*re.findall(r"```(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)])
    assert set(_TARGET.findall(code)) <= targets


def test_the_folder_map_of_both_readmes_is_the_folder_list() -> None:
    from livewitness.shadow import PACKAGES

    for name in ("README.md", "README.zh-CN.md"):
        mapped = set(re.findall(r"^\| `([a-z]+)/` \|", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        assert mapped == {*PACKAGES, "livewitness"}, name


def test_the_image_copies_every_package() -> None:
    from livewitness.shadow import PACKAGES

    copied = set(re.findall(r"^COPY ([a-z]+) \./", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert copied >= {*PACKAGES, "livewitness"}


def test_no_document_names_a_registry_or_a_path_of_one_machine() -> None:
    for path in [*DOCUMENTS, ROOT / "Makefile", ROOT / "Dockerfile", ROOT / "pyproject.toml", ROOT / "constraints.txt"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!127\.0\.0\.1|localhost|[a-z]+\.example/)|/root/|/work/|/tmp/", text), path
